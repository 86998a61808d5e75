//! C11: `tenantry users import`.

use std::fs;

use super::binary::{FAST, done, run};

const HASH: &str = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";

#[test]
fn c11_people_are_imported_at_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let table = format!("email,password_hash\nada@example.com,{HASH}\nbob@example.com,{HASH}\n");
    fs::write(folder.path().join("people.csv"), table).unwrap();
    let lines = format!("{{\"email\":\"cyd@example.com\",\"password_hash\":\"{HASH}\"}}\n{{\"email\":7}}\n");
    fs::write(folder.path().join("people.jsonl"), lines).unwrap();
    let import = |arguments: &[&str]| run(folder.path(), &FAST, &[&["users", "import"], arguments].concat(), "");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();

    let tried = done(folder.path(), &FAST, &["users", "import", "people.csv", "--dry-run"], "");
    assert_eq!(tried, "would create 2, skipped 0, failed 0\n");
    for (expected, skipped) in [("created 2, skipped 0, failed 0\n", 0), ("created 0, skipped 2, failed 0\n", 2)] {
        let said = text(&import(&["people.csv"]).stdout);
        assert!(said.ends_with(expected), "{said}");
        assert_eq!(said.matches("skipped: the e-mail address has an account").count(), skipped);
    }
    let output = import(&["people.jsonl"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("line 2: ") && said.ends_with("created 1, skipped 0, failed 1\n"), "{said}");

    fs::write(folder.path().join("people.txt"), "").unwrap();
    for (file, problem) in [
        ("people.txt", "the name of the file must end in .csv, .jsonl or .ndjson"),
        ("absent.csv", "absent.csv can't be read"),
    ] {
        let output = import(&[file]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
        assert!(text(&output.stderr).contains(problem), "{}", text(&output.stderr));
    }
}
