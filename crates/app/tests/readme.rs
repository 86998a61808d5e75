//! The documents are true: what the first start prints, and the tour, run as written against the built binary; and the
//! files that they name.
#![cfg(test)]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const README: &str = include_str!("../../../README.md");

/// Where the README says that the server is.
const ADDRESS: &str = "http://127.0.0.1:8000";

/// Stands between the outputs of two blocks.
const SEPARATOR: &str = "\n=== next block ===\n";

/// Some lines for a shell, and what the README says that they print.
struct Step {
    commands: String,
    output: String,
}

/// The code blocks of the section with this heading, each with its language.
fn blocks(heading: &str) -> Vec<(&'static str, String)> {
    let (_, rest) = README.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = rest.split("\n## ").next().unwrap();
    let fenced = section.split("\n```").skip(1).step_by(2);
    fenced
        .map(|block| block.split_once('\n').unwrap())
        .map(|(language, text)| (language, format!("{text}\n")))
        .collect()
}

/// A `text` block is the output of the `sh` block before it; without one there is none.
fn tour() -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (language, text) in blocks("A tour") {
        match language {
            "sh" => steps.push(Step { commands: text, output: String::new() }),
            "text" => steps.last_mut().unwrap().output = text,
            other => panic!("a block of the tour is {other:?}"),
        }
    }
    steps
}

/// Whether `text` is `pattern`, in which each `…` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.trim().split('…');
    let Some(mut rest) = parts.next().and_then(|start| text.trim().strip_prefix(start)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(end) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(end)
}

#[test]
fn dots_stand_for_anything() {
    assert!(matches("a…c…", "abcd") && matches("abc", "abc\n") && matches("…", ""));
    assert!(!matches("a…d", "abc") && !matches("abc", "abcd") && !matches("a…b…b", "ab"));
}

/// The server, as somebody starts it who has nothing but the binary.
struct Server {
    process: Child,
    output: BufReader<ChildStdout>,
    folder: TempDir,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_tenantry"))
            .env_clear()
            .env("PORT", "0")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, output, folder }
    }

    /// The next lines that it prints.
    fn lines(&mut self, count: usize) -> String {
        self.output.by_ref().lines().take(count).map(|line| line.unwrap() + "\n").collect()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Runs all commands in one shell, and answers what each step printed.
fn run(steps: &[Step], address: &str, folder: &Path) -> Vec<String> {
    let mut shell = Command::new("sh")
        .arg("-eu")
        .env("TENANTRY", address)
        .env("no_proxy", "*")
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut script = shell.stdin.take().unwrap();
    for step in steps {
        writeln!(script, "{}printf '%s' '{SEPARATOR}'", step.commands).unwrap();
    }
    drop(script);
    let output = shell.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}: {text}", output.status);
    text.split(SEPARATOR).map(str::to_owned).collect()
}

#[test]
fn the_readme_is_true() {
    let mut server = Server::start();
    let greeting = blocks("Two commands").into_iter().find(|(language, _)| *language == "text").unwrap().1;
    let printed = server.lines(greeting.lines().count());
    let address = printed.split_whitespace().find_map(|word| word.strip_suffix("/api/v1"));
    let address = address.unwrap_or_else(|| panic!("{printed}{}", server.log()));
    assert!(matches(&greeting.replace(ADDRESS, address), &printed), "{printed}");

    let steps = tour();
    assert!(steps.len() >= 6, "the tour has {} steps", steps.len());
    assert!(steps[0].commands.contains(ADDRESS));
    let folder = tempfile::tempdir().unwrap();
    let printed = run(&steps, address, folder.path());
    assert_eq!(printed.len(), steps.len() + 1);
    for (step, printed) in steps.iter().zip(printed) {
        assert!(matches(&step.output, &printed), "{}printed\n{printed}\nand not\n{}", step.commands, step.output);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "the tour left files behind");
}

/// The documents, each with its path.
fn documents() -> Vec<(PathBuf, String)> {
    let docs = fs::read_dir(Path::new(ROOT).join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let paths = ["README.md", "CHANGELOG.md"].into_iter().map(|name| Path::new(ROOT).join(name)).chain(docs);
    paths.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn links_lead_to_files() {
    for (document, text) in documents() {
        let targets = text.split("](").skip(1).map(|rest| rest.split([')', '#']).next().unwrap());
        for target in targets.filter(|target| !target.starts_with("https://")) {
            assert!(document.parent().unwrap().join(target).exists(), "{target} in {}", document.display());
        }
    }
}

/// Paths in code spans: from the root, or, as `src/…`, in the first crate that the heading before them names.
#[test]
fn files_that_are_named_exist() {
    let mut count = 0;
    for (document, text) in documents() {
        let mut base = PathBuf::from(ROOT);
        for line in text.lines() {
            let spans: Vec<&str> = line.split('`').skip(1).step_by(2).filter(|span| !span.contains(' ')).collect();
            if line.starts_with("## ") {
                base = Path::new(ROOT).join(spans.first().unwrap_or(&""));
            }
            let from_root = ["crates/", "migrations/", "examples/", "config/", "deploy/"];
            for span in spans {
                let directory = match span {
                    span if span.starts_with("src/") => &base,
                    span if from_root.iter().any(|start| span.starts_with(start)) => Path::new(ROOT),
                    _ => continue,
                };
                count += 1;
                assert!(directory.join(span).exists(), "{span} in {}", document.display());
            }
        }
    }
    assert!(count > 20, "only {count} files are named");
}

/// The text of every source file below a folder.
fn sources(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let text = |path: PathBuf| match path.extension() {
        _ if path.is_dir() => sources(&path),
        Some(extension) if extension == "rs" => fs::read_to_string(path).unwrap(),
        _ => String::new(),
    };
    entries.map(text).collect()
}

#[test]
fn tests_that_show_a_requirement_exist() {
    let sources = sources(&Path::new(ROOT).join("crates"));
    let document = fs::read_to_string(Path::new(ROOT).join("docs/SECURITY.md")).unwrap();
    let rows = document.lines().filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit());
    let is_test = |span: &&str| {
        span.contains('_')
            && span.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let named: Vec<&str> = rows.flat_map(|row| row.split('`').skip(1).step_by(2)).filter(is_test).collect();
    assert!(named.len() > 50, "only {} tests are named", named.len());
    for name in named {
        assert!(sources.contains(&format!("fn {name}(")), "no test is called {name}");
    }
}
