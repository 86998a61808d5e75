use std::fs;
use std::os::unix::fs::symlink;

use super::{Tree, organization};
use crate::{AllowedRoot, NotAllowed, RootScope, Roots};

fn root(path: impl Into<String>) -> AllowedRoot {
    AllowedRoot { path: path.into(), scope: RootScope::All }
}

impl Tree {
    fn path(&self, path: &str) -> String {
        self.home.path().join(path).to_str().unwrap().to_owned()
    }

    /// Allows `inside` only.
    fn roots(&self) -> Roots {
        Roots::new(vec![root(self.path("inside"))], vec![]).unwrap()
    }

    fn allows(&self, roots: &Roots, path: &str) -> bool {
        let (checked, opened) =
            (roots.check(organization(1), &self.path(path)), roots.open(organization(1), &self.path(path)));
        assert_eq!(checked, opened.as_ref().map(|_| ()).map_err(|error| *error));
        opened.is_ok()
    }
}

#[test]
fn what_lies_beneath_a_root_may_be_read() {
    let tree = Tree::new();
    tree.write("a/b/file", "");
    let roots = tree.roots();
    for path in ["inside", "inside/", "inside/a", "inside/a/b", "inside//a/./b/"] {
        assert!(tree.allows(&roots, path), "{path}");
    }
}

#[test]
fn nothing_else_may_and_nobody_learns_what_is_there() {
    let tree = Tree::new();
    tree.write("a/file", "");
    fs::create_dir(tree.home.path().join("inside2")).unwrap();
    let roots = tree.roots();
    for path in [
        "inside/none",
        "none",
        "outside",
        "outside/none",
        "inside2",
        "",
        "inside/a/file",
        "inside/a/../a",
        "inside/..",
        "inside/../outside",
    ] {
        assert!(!tree.allows(&roots, path), "{path}");
    }
    for path in ["", ".", "a", "inside/a", "/", "/etc", "/proc", "/proc/self", "a\0b"] {
        assert_eq!(roots.open(organization(1), path).unwrap_err(), NotAllowed, "{path:?}");
    }
    let long = format!("{}/{}", tree.path("inside"), "x".repeat(5_000));
    assert_eq!(roots.check(organization(1), &long), Err(NotAllowed));
}

#[test]
fn with_no_roots_nothing_may_be_read() {
    let tree = Tree::new();
    let roots = Roots::new(vec![], vec![]).unwrap();
    for path in ["", "inside", "outside"] {
        assert!(!tree.allows(&roots, path), "{path}");
    }
}

#[test]
fn links_beneath_a_root_may_lead_about_but_not_out() {
    let tree = Tree::new();
    tree.write("a/b/file", "");
    tree.write(".ssh/id_rsa", "");
    symlink("a", tree.at("near")).unwrap();
    symlink(tree.outside(), tree.at("far")).unwrap();
    symlink("../outside", tree.at("up")).unwrap();
    symlink(tree.at("a"), tree.at("absolute")).unwrap();
    symlink("none", tree.at("dangling")).unwrap();
    symlink("loop", tree.at("loop")).unwrap();
    symlink(".ssh", tree.at("keys")).unwrap();
    let roots = tree.roots();
    assert!(tree.allows(&roots, "inside/near/b"));
    for link in ["far", "up", "dangling", "loop", "keys", "far/secret"] {
        assert!(!tree.allows(&roots, &format!("inside/{link}")), "{link}");
    }
    // Refused as well, since it leads out on its way.
    assert!(!tree.allows(&roots, "inside/absolute"));
}

#[test]
fn the_links_of_the_operator_are_followed() {
    let tree = Tree::new();
    tree.write("a/file", "");
    symlink(tree.at(""), tree.path("alias")).unwrap();
    let roots = Roots::new(vec![root(tree.path("alias"))], vec![]).unwrap();
    assert!(tree.allows(&roots, "alias/a") && tree.allows(&roots, "inside/a"));
    let (real, alias) =
        [tree.path("inside"), tree.path("alias")].map(|path| roots.open(organization(1), &path).unwrap()).into();
    assert_eq!((real.root_dev(), real.root_ino()), (alias.root_dev(), alias.root_ino()));
}

#[test]
fn the_servers_own_folders_are_never_read() {
    let tree = Tree::new();
    tree.write("server/data/tenantry.db", "");
    tree.write("server/other/file", "");
    tree.write("files/file", "");
    symlink("server/data", tree.at("alias")).unwrap();
    for data in ["inside/server/data", "inside/alias", "inside/server/data/tenantry.db/../../data"] {
        let roots = Roots::new(vec![root(tree.path("inside"))], vec![tree.path(data).into()]).unwrap();
        assert!(tree.allows(&roots, "inside/files") && tree.allows(&roots, "inside/server/other"), "{data}");
        for path in ["inside", "inside/server", "inside/server/data", "inside/alias"] {
            assert!(!tree.allows(&roots, path), "{path} with {data}");
        }
    }
    fs::create_dir(tree.at("server/data/deep")).unwrap();
    let roots = Roots::new(vec![root(tree.path("inside"))], vec![tree.at("server/data")]).unwrap();
    assert!(!tree.allows(&roots, "inside/server/data/deep"));
    // A folder that is yet to be made, and a file.
    for data in ["server/later/data", "server/other/file"] {
        let roots = Roots::new(vec![root(tree.path("inside"))], vec![tree.at(data)]).unwrap();
        assert!(!tree.allows(&roots, "inside/server") && tree.allows(&roots, "inside/files"), "{data}");
    }
}

#[test]
fn neither_is_what_the_system_shows_of_itself_nor_where_keys_are_kept() {
    let tree = Tree::new();
    for folder in [".ssh", ".AWS/x", "a/.gnupg", ".kube", ".docker"] {
        fs::create_dir_all(tree.at(folder)).unwrap();
        assert!(!tree.allows(&tree.roots(), &format!("inside/{folder}")), "{folder}");
    }
    let roots = Roots::new(vec![root("/")], vec![]).unwrap();
    assert!(tree.allows(&roots, "inside"));
    for path in ["/", "/proc", "/proc/self", "/sys", "/sys/kernel", "/dev", "/proc/self/root"] {
        assert_eq!(roots.check(organization(1), path), Err(NotAllowed), "{path}");
    }
}

#[test]
fn organizations_have_their_own_roots() {
    let tree = Tree::new();
    let [own, shared, given] = [tree.at("own").join("{organization_id}/in"), tree.at("shared"), tree.at("given")];
    for number in [1, 2] {
        fs::create_dir_all(tree.at(format!("own/{}/in/a", organization(number)))).unwrap();
    }
    fs::create_dir_all(&shared).unwrap();
    fs::create_dir_all(&given).unwrap();
    let [own, shared, given] = [own, shared, given].map(|path| path.to_str().unwrap().to_owned());
    let only = RootScope::Only(vec![organization(2)]);
    let roots = vec![root(own.clone()), root(shared.clone()), AllowedRoot { path: given.clone(), scope: only }];
    let roots = Roots::new(roots, vec![]).unwrap();
    let own_of = |number| own.replace("{organization_id}", &organization(number).to_string()) + "/a";
    for (number, path, expected) in [
        (1, own_of(1), true),
        (1, own_of(2), false),
        (2, own_of(2), true),
        (1, own.clone(), false),
        (1, shared.clone(), true),
        (2, shared, true),
        (1, given.clone(), false),
        (2, given, true),
    ] {
        assert_eq!(roots.check(organization(number), &path).is_ok(), expected, "{number} {path}");
    }
}

#[test]
fn a_root_that_is_none_is_named() {
    for path in ["", "data", "./x", "/a/../b", "{organization_id}"] {
        let error = Roots::new(vec![root("/srv"), root(path)], vec![]).unwrap_err();
        assert_eq!(error.to_string(), format!("holds {path:?}, which is no absolute path without `..`"));
    }
}
