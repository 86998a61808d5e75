use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::thread;

use super::{Tree, make_fifo, path, scan};
use crate::{OpenError, ScanEvent, ScanOptions, Symlinks};

#[test]
fn a_file_is_read_from_anywhere_in_it() {
    let tree = Tree::new();
    tree.write("a/file", "0123456789");
    let file = tree.folder().open(&path("a/file"), Symlinks::Never).unwrap();
    for (offset, len, expected) in [
        (0, 10, "0123456789"),
        (0, 100, "0123456789"),
        (3, 4, "3456"),
        (8, 4, "89"),
        (10, 1, ""),
        (99, 9, ""),
        (2, 0, ""),
    ] {
        assert_eq!(file.read_at(offset, len).unwrap(), expected.as_bytes(), "{len} from {offset}");
    }
    let other = file.clone();
    assert_eq!(thread::spawn(move || other.read_at(1, 2).unwrap()).join().unwrap(), b"12");
}

#[test]
fn what_was_written_to_since_has_another_identity() {
    let tree = Tree::new();
    tree.write("file", "0123456789");
    let (events, _) = scan(&tree.folder(), &ScanOptions::default());
    let [ScanEvent::File(scanned)] = &events[..] else { panic!("{events:?}") };
    let file = tree.folder().open(&scanned.path, Symlinks::Never).unwrap();
    assert_eq!(file.identity().unwrap(), scanned.identity);
    let metadata = fs::metadata(tree.at("file")).unwrap();
    assert_eq!((scanned.identity.device, scanned.identity.inode), (metadata.dev(), metadata.ino()));
    assert_eq!(scanned.identity.size, 10);
    assert_eq!(scanned.identity.mtime_ns, metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec());
    assert_eq!(scanned.identity.ctime_ns, metadata.ctime() * 1_000_000_000 + metadata.ctime_nsec());
    // The same size, and the time of the write set back.
    thread::sleep(std::time::Duration::from_millis(20));
    let writer = File::options().write(true).open(tree.at("file")).unwrap();
    writer.write_all_at(b"x", 0).unwrap();
    writer.set_modified(metadata.modified().unwrap()).unwrap();
    let now = file.identity().unwrap();
    assert_eq!((now.size, now.mtime_ns), (scanned.identity.size, scanned.identity.mtime_ns));
    assert_ne!(now, scanned.identity);
}

#[test]
fn what_is_no_file_any_more_is_refused() {
    let tree = Tree::new();
    for name in ["vanished", "now-link", "now-folder", "now-fifo", "now-socket"] {
        tree.write(name, "x");
    }
    let folder = tree.folder();
    for name in ["vanished", "now-link", "now-folder", "now-fifo", "now-socket"] {
        assert!(folder.open(&path(name), Symlinks::Never).is_ok());
        fs::remove_file(tree.at(name)).unwrap();
    }
    symlink(tree.outside().join("secret"), tree.at("now-link")).unwrap();
    fs::create_dir(tree.at("now-folder")).unwrap();
    make_fifo(&tree.at("now-fifo"));
    let _socket = UnixListener::bind(tree.at("now-socket")).unwrap();
    for symlinks in [Symlinks::Never, Symlinks::InsideRoot] {
        let open = |name: &str| folder.open(&path(name), symlinks).unwrap_err();
        assert!(matches!(open("vanished"), OpenError::Vanished));
        assert!(matches!(open("vanished/x"), OpenError::Vanished));
        for name in ["now-link", "now-folder", "now-fifo", "now-socket"] {
            assert!(matches!(open(name), OpenError::NotRegular), "{name} {:?}", open(name));
        }
    }
}

#[test]
fn a_folder_that_became_a_link_is_not_followed() {
    let tree = Tree::new();
    tree.write("a/b/secret", "harmless");
    tree.write("near/secret", "harmless");
    let folder = tree.folder();
    let (events, _) = scan(&folder, &ScanOptions::default());
    assert_eq!(events.len(), 2);
    fs::remove_dir_all(tree.at("a/b")).unwrap();
    symlink(tree.outside(), tree.at("a/b")).unwrap();
    for symlinks in [Symlinks::Never, Symlinks::InsideRoot] {
        assert!(matches!(folder.open(&path("a/b/secret"), symlinks), Err(OpenError::NotRegular)));
    }
    fs::remove_file(tree.at("a/b")).unwrap();
    symlink("../near", tree.at("a/b")).unwrap();
    assert!(matches!(folder.open(&path("a/b/secret"), Symlinks::Never), Err(OpenError::NotRegular)));
    assert!(folder.open(&path("a/b/secret"), Symlinks::InsideRoot).is_ok());
}

#[test]
fn the_folder_that_was_opened_stays_the_one_that_is_read() {
    let tree = Tree::new();
    tree.write("file", "right");
    let folder = tree.folder();
    fs::rename(tree.at(""), tree.home.path().join("moved")).unwrap();
    symlink(tree.outside(), tree.home.path().join("inside")).unwrap();
    let file = folder.open(&path("file"), Symlinks::Never).unwrap();
    assert_eq!(file.read_at(0, 9).unwrap(), b"right");
    assert!(matches!(folder.open(&path("secret"), Symlinks::Never), Err(OpenError::Vanished)));
}
