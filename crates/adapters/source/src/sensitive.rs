//! Names under which secrets are kept.

/// Folders of keys and credentials, whatever the case of their letters.
const FOLDERS: [&[u8]; 7] = [b".aws", b".azure", b".docker", b".gnupg", b".kube", b".password-store", b".ssh"];

/// Files of keys and credentials, whatever the case of their letters.
const FILES: [&[u8]; 15] = [
    b".dockercfg",
    b".env",
    b".git-credentials",
    b".htpasswd",
    b".my.cnf",
    b".netrc",
    b".npmrc",
    b".pgpass",
    b".pypirc",
    b".s3cfg",
    b".vault-token",
    b"id_dsa",
    b"id_ecdsa",
    b"id_ed25519",
    b"id_rsa",
];

/// How names of such files begin: `.env.production`.
const BEGINNINGS: [&[u8]; 1] = [b".env."];

/// How names of such files end. Not `.key`, which presentations have too.
const ENDINGS: [&[u8]; 8] = [b".jks", b".kdb", b".kdbx", b".keystore", b".p12", b".pem", b".pfx", b".ppk"];

/// Whether a folder of this name keeps secrets.
pub(super) fn is_folder(name: &[u8]) -> bool {
    FOLDERS.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether a file of this name keeps secrets.
pub(super) fn is_file(name: &[u8]) -> bool {
    let begins = |known: &&[u8]| name.get(..known.len()).is_some_and(|start| start.eq_ignore_ascii_case(known));
    let ends = |known: &&[u8]| {
        name.len()
            .checked_sub(known.len())
            .and_then(|at| name.get(at..))
            .is_some_and(|end| end.eq_ignore_ascii_case(known))
    };
    FILES.iter().any(|known| known.eq_ignore_ascii_case(name))
        || BEGINNINGS.iter().any(begins)
        || ENDINGS.iter().any(ends)
}

/// Whether a path leads through a folder that keeps secrets.
pub(super) fn leads_through_folder(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/').any(is_folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names() {
        for name in [".env", ".ENV", ".env.local", "server.pem", "ID_RSA", ".netrc", "Keys.KDBX"] {
            assert!(is_file(name.as_bytes()), "{name}");
        }
        for name in ["env", ".envelope", "pem", "id_rsa.pub", "talk.key", "", ".ssh"] {
            assert!(!is_file(name.as_bytes()), "{name}");
        }
        assert!(leads_through_folder(b"/home/x/.SSH/keys") && leads_through_folder(b".aws"));
        assert!(!leads_through_folder(b"/home/.sshd/x.aws"));
    }
}
