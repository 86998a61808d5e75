use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::num::NonZero;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Tree, files, make_fifo, organization, path, scan};
use crate::{
    AllowedRoot, ClashKind, Globs, RootScope, Roots, ScanEvent, ScanOptions, SensitiveFiles, SkipReason, Symlinks,
};

fn globs(patterns: &[&str]) -> Globs {
    Globs::parse(&patterns.iter().map(|&pattern| pattern.to_owned()).collect::<Vec<_>>()).unwrap()
}

fn skipped(events: &[ScanEvent]) -> BTreeMap<String, SkipReason> {
    let skipped = |event: &ScanEvent| match event {
        ScanEvent::Skipped(entry) => Some((entry.path.to_string(), entry.reason)),
        _ => None,
    };
    events.iter().filter_map(skipped).collect()
}

fn threads(number: usize) -> ScanOptions {
    ScanOptions { threads: NonZero::new(number).unwrap(), ..ScanOptions::default() }
}

#[test]
fn every_file_is_found_whatever_its_name() {
    let tree = Tree::new();
    for name in ["file", "a/b/c/file", ".hidden/.file", "a/with space\n", "\u{e9}"] {
        tree.write(name, "12345");
    }
    let raw = [&b"a/\xff\xfe"[..], b"\x80folder/file"];
    for name in raw {
        tree.write(OsStr::from_bytes(name), "12345");
    }
    fs::create_dir(tree.at("empty")).unwrap();
    let (events, report) = scan(&tree.folder(), &threads(2));
    let found: BTreeSet<_> = events
        .iter()
        .map(|event| match event {
            ScanEvent::File(file) => file.path.as_bytes(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(found.len(), 7);
    assert!(raw.iter().all(|name| found.contains(name)));
    assert_eq!((report.files, report.bytes, report.folders), (7, 35, 7));
    assert_eq!((report.skipped, report.excluded, report.vanished, report.is_stopped), (0, 0, 0, false));
}

#[test]
fn links_are_skipped_unless_asked_for() {
    let tree = Tree::new();
    tree.write("real/file", "x");
    tree.write("real/.env", "x");
    for (target, link) in [
        ("real/file", "to-file"),
        ("real", "to-folder"),
        ("..", "real/loop"),
        ("none", "dangling"),
        ("self", "self"),
        ("../outside", "up"),
        ("/etc/passwd", "absolute"),
        ("real/.env", "hides-a-secret"),
    ] {
        symlink(target, tree.at(link)).unwrap();
    }
    symlink(tree.outside(), tree.at("out")).unwrap();
    let (events, _) = scan(&tree.folder(), &ScanOptions::default());
    assert_eq!(files(&events), ["real/file"]);
    let reasons = skipped(&events);
    assert_eq!(reasons.len(), 10);
    assert!(reasons.iter().all(|(path, reason)| (path == "real/.env") != (*reason == SkipReason::Symlink)));

    let options = ScanOptions { follow_symlinks: Symlinks::InsideRoot, ..threads(2) };
    let (events, _) = scan(&tree.folder(), &options);
    assert_eq!(files(&events), ["real/file", "to-file", "to-folder/file"]);
    let reasons = skipped(&events);
    for path in ["dangling", "self", "up", "absolute", "out"] {
        assert_eq!(reasons[path], SkipReason::Symlink, "{path}");
    }
    assert_eq!(reasons["real/loop"], SkipReason::Loop);
    assert_eq!(reasons["to-folder/loop"], SkipReason::Loop);
    assert_eq!(reasons["hides-a-secret"], SkipReason::Sensitive);
}

#[test]
fn links_that_cross_one_another_come_to_an_end() {
    let tree = Tree::new();
    for folder in 0..8 {
        tree.write(format!("{folder}/file"), "");
        for other in 0..8 {
            symlink(format!("../{other}"), tree.at(format!("{folder}/to-{other}"))).unwrap();
        }
    }
    let options = ScanOptions { follow_symlinks: Symlinks::InsideRoot, ..threads(2) };
    let (events, report) = scan(&tree.folder(), &options);
    // By no link, by one, and by two, and never through the same folder twice.
    assert_eq!(report.files, 8 + 8 * 7 + 8 * 7 * 6);
    assert!(skipped(&events).values().all(|reason| *reason == SkipReason::Loop));
}

#[test]
fn what_is_no_file_is_skipped() {
    let tree = Tree::new();
    make_fifo(&tree.at("fifo"));
    let _socket = UnixListener::bind(tree.at("socket")).unwrap();
    let (events, report) = scan(&tree.folder(), &ScanOptions::default());
    let expected = ["fifo", "socket"].map(|name| (name.to_owned(), SkipReason::Special));
    assert_eq!(skipped(&events), expected.into());
    assert_eq!((report.skipped, report.files), (2, 0));
}

#[test]
fn a_folder_that_may_not_be_read_is_told() {
    let tree = Tree::new();
    tree.write("closed/file", "");
    tree.write("open/file", "");
    fs::set_permissions(tree.at("closed"), Permissions::from_mode(0o000)).unwrap();
    let may_read_everything = fs::read_dir(tree.at("closed")).is_ok();
    let (events, _) = scan(&tree.folder(), &ScanOptions::default());
    fs::set_permissions(tree.at("closed"), Permissions::from_mode(0o700)).unwrap();
    if !may_read_everything {
        assert_eq!(files(&events), ["open/file"]);
        assert!(matches!(skipped(&events)["closed"], SkipReason::Unreadable(std::io::ErrorKind::PermissionDenied)));
    }
}

#[test]
fn secrets_are_skipped_unless_asked_for() {
    let tree = Tree::new();
    for name in [".env", "a/key.PEM", ".ssh/id_rsa", "a/.aws/config", "a/file", ".config"] {
        tree.write(name, "");
    }
    let (events, _) = scan(&tree.folder(), &ScanOptions::default());
    assert_eq!(files(&events), [".config", "a/file"]);
    let secrets = [".env", "a/key.PEM", ".ssh", "a/.aws"].map(|name| (name.to_owned(), SkipReason::Sensitive));
    assert_eq!(skipped(&events), secrets.into());
    let options = ScanOptions { sensitive: SensitiveFiles::Take, ..ScanOptions::default() };
    let (events, report) = scan(&tree.folder(), &options);
    assert_eq!((files(&events).len(), report.skipped), (6, 0));
}

#[test]
fn patterns_choose() {
    let tree = Tree::new();
    for name in ["a/1.jpg", "a/1.txt", "a/raw/2.jpg", "b/3.jpg", "b/3.tmp", "photos/x", "photos/y.tmp", "4.jpg"] {
        tree.write(name, "");
    }
    symlink("4.jpg", tree.at("a/link.tmp")).unwrap();
    for (include, exclude, expected, excluded) in [
        (&["*.jpg"][..], &[][..], &["4.jpg", "a/1.jpg", "a/raw/2.jpg", "b/3.jpg"][..], 5),
        (&["*.jpg"], &["raw/"], &["4.jpg", "a/1.jpg", "b/3.jpg"], 6),
        (&["photos/"], &["*.tmp"], &["photos/x"], 8),
        (&["/*.jpg", "b", "!*.tmp"], &[], &["4.jpg", "b/3.jpg"], 7),
        (&[], &["*.jpg", "!4.jpg", "*.tmp"], &["4.jpg", "a/1.txt", "photos/x"], 6),
        (&["*.jpg"], &["*.jpg"], &[], 9),
    ] {
        let options = ScanOptions { include: globs(include), exclude: globs(exclude), ..ScanOptions::default() };
        let (events, report) = scan(&tree.folder(), &options);
        assert_eq!(files(&events), expected, "{include:?} without {exclude:?}");
        assert_eq!(report.excluded, excluded, "{include:?} without {exclude:?}");
    }
}

#[test]
fn what_is_left_out_is_not_entered() {
    let tree = Tree::new();
    tree.write("node_modules/x/y/file", "");
    tree.write(OsStr::from_bytes(b"\xff.tmp"), "");
    let options = ScanOptions { exclude: globs(&["node_modules", "*.tmp"]), ..ScanOptions::default() };
    let (events, report) = scan(&tree.folder(), &options);
    assert_eq!(events, []);
    assert_eq!((report.folders, report.excluded), (1, 2));
}

#[test]
fn names_that_clash_are_told_and_taken() {
    let tree = Tree::new();
    for name in
        ["a/README", "a/readme", "a/sub/x", "a/SUB/x", "b/\u{e9}", "b/e\u{301}", "c/x", "d/X", "a/.ENV", "a/.env"]
    {
        tree.write(name, "");
    }
    if fs::read_dir(tree.at("a")).unwrap().count() < 6 {
        return; // The file system takes them for one itself.
    }
    let (events, report) = scan(&tree.folder(), &threads(2));
    assert_eq!((report.files, report.clashes), (8, 3));
    let clashes: BTreeMap<_, _> = events
        .iter()
        .filter_map(|event| match event {
            ScanEvent::Clash { path, other, kind } => Some((path.clone(), (other.clone(), *kind))),
            _ => None,
        })
        .collect();
    let expected = [
        ("a/readme", "a/README", ClashKind::Case),
        ("a/sub", "a/SUB", ClashKind::Case),
        ("b/\u{e9}", "b/e\u{301}", ClashKind::Normalization),
    ];
    assert_eq!(clashes, expected.map(|(one, other, kind)| (path(one), (path(other), kind))).into());
}

#[test]
fn names_that_are_left_out_clash_with_none() {
    let tree = Tree::new();
    for name in ["README", "Readme", "readme"] {
        tree.write(name, "");
    }
    for (exclude, clashes) in [(&[][..], 2), (&["Readme"], 1), (&["Readme", "readme"], 0)] {
        let options = ScanOptions { exclude: globs(exclude), ..ScanOptions::default() };
        let (events, report) = scan(&tree.folder(), &options);
        if files(&events).len() + exclude.len() == 3 {
            assert_eq!(report.clashes, clashes, "{exclude:?}");
        }
    }
}

#[test]
fn a_path_that_the_system_does_not_take_is_told() {
    let tree = Tree::new();
    let name = "n".repeat(250);
    let mut here = tree.at("").canonicalize().unwrap();
    let top = here.clone();
    // Deeper than one path can say, so built by moving what is there a level down each time.
    for _ in 0..20 {
        let next = top.join("next");
        fs::create_dir(&next).unwrap();
        if top.join(&name).exists() {
            fs::rename(top.join(&name), next.join(&name)).unwrap();
        } else {
            fs::write(next.join("deepest"), "").unwrap();
        }
        fs::rename(&next, top.join(&name)).unwrap();
        here = top.join(&name);
    }
    assert!(here.exists());
    let (events, report) = scan(&tree.folder(), &ScanOptions::default());
    assert_eq!((report.files, report.skipped), (0, 1));
    assert_eq!(skipped(&events).into_values().collect::<Vec<_>>(), [SkipReason::NameTooLong]);
}

/// Fills 200 folders with so many files each.
fn fill(tree: &Tree, files: usize) {
    for folder in 0..200 {
        let folder = tree.at(format!("{:02}/{folder}", folder % 20));
        fs::create_dir_all(&folder).unwrap();
        for file in 0..files {
            fs::write(folder.join(file.to_string()), "").unwrap();
        }
    }
}

#[test]
fn however_many_threads_the_same_is_found() {
    let tree = Tree::new();
    fill(&tree, 100);
    let found = [1, 4, 16].map(|number| {
        let (events, report) = scan(&tree.folder(), &threads(number));
        assert_eq!((report.files, report.folders, events.len()), (20_000, 221, 20_000));
        files(&events)
    });
    assert!(found[0] == found[1] && found[0] == found[2]);
}

#[test]
fn folders_of_many_folders_are_walked_a_part_at_a_time() {
    let tree = Tree::new();
    let mut deep = tree.at("");
    for _ in 0..3 {
        for number in 0..260 {
            fs::create_dir(deep.join(number.to_string())).unwrap();
        }
        deep = deep.join("deep");
        fs::create_dir(&deep).unwrap();
        fs::write(deep.join("file"), "").unwrap();
    }
    for number in [1, 4] {
        let (_, report) = scan(&tree.folder(), &threads(number));
        assert_eq!((report.files, report.folders, report.skipped), (3, 3 * 261 + 1, 0));
    }
}

#[test]
fn a_folder_of_the_server_is_not_entered_however_it_came_there() {
    let tree = Tree::new();
    tree.write("file", "");
    let inside = tree.at("").to_str().unwrap().trim_end_matches('/').to_owned();
    let root = AllowedRoot { path: inside.clone(), scope: RootScope::All };
    let folder = Roots::new(vec![root], vec![tree.outside()]).unwrap().open(organization(1), &inside).unwrap();
    // A mount would need more rights.
    fs::rename(tree.outside(), tree.at("moved")).unwrap();
    let (events, _) = scan(&folder, &ScanOptions::default());
    assert_eq!(files(&events), ["file"]);
    assert_eq!(skipped(&events), [("moved".to_owned(), SkipReason::Forbidden)].into());
}

#[test]
fn a_scan_is_broken_off() {
    let tree = Tree::new();
    fill(&tree, 40);
    for number in [1, 4] {
        let calls = AtomicUsize::new(0);
        let sink = |_| {
            calls.fetch_add(1, Ordering::Relaxed);
            ControlFlow::Break(())
        };
        let report = tree.folder().scan(&threads(number), &sink).unwrap();
        assert!(report.is_stopped);
        assert!(calls.into_inner() <= number, "{number}");
        assert!(report.files < 6_000, "{report:?}");
    }
}

#[test]
fn a_sink_that_panics_ends_the_scan() {
    let tree = Tree::new();
    fill(&tree, 10);
    let scanned = catch_unwind(AssertUnwindSafe(|| tree.folder().scan(&threads(4), &|_| panic!("as it should"))));
    assert!(scanned.is_err());
}

#[test]
fn a_folder_that_is_gone_has_nothing_in_it() {
    let tree = Tree::new();
    let folder = tree.folder();
    fs::remove_dir(tree.at(Path::new(""))).unwrap();
    let scanned = folder.scan(&ScanOptions::default(), &|_| ControlFlow::Continue(()));
    assert!(scanned.is_err() || scanned.is_ok_and(|report| report.files == 0));
}
