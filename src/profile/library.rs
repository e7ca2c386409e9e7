//! Finds what INCLUDE names: data sets and members, as files below directories.

use std::fs;
use std::path::{Path, PathBuf};

/// The places where a data set may lie in a directory: under its whole name, a
/// member also in a directory named like its library, or under its own name; with
/// or without an extension, in any case.
pub(super) fn find(name: &str, directories: &[PathBuf]) -> Option<PathBuf> {
    let (library, member) = match name.split_once('(') {
        Some((library, member)) => (library, Some(member.trim_end_matches(')'))),
        None => (name, None),
    };
    for directory in directories {
        let found = entry(directory, name).or_else(|| {
            let member = member?;
            let within = entry(directory, library).filter(|path| path.is_dir());
            within.and_then(|path| entry(&path, member)).or_else(|| entry(directory, member))
        });
        if let Some(found) = found {
            return Some(found);
        }
    }
    None
}

/// The file or directory of a name, in any case; if there is none, one that has the
/// name before an extension.
fn entry(directory: &Path, name: &str) -> Option<PathBuf> {
    // A name that leads elsewhere is none.
    if name.is_empty() || name.contains(['/', '\\']) {
        return None;
    }
    let mut names: Vec<PathBuf> =
        fs::read_dir(directory).ok()?.flatten().map(|e| e.path()).collect();
    names.sort();
    let is = |part: Option<&std::ffi::OsStr>| {
        part.and_then(|p| p.to_str()).is_some_and(|p| p.eq_ignore_ascii_case(name))
    };
    let whole = names.iter().find(|path| is(path.file_name()));
    whole.or_else(|| names.iter().find(|path| is(path.file_stem()))).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_sets_and_members_are_files() {
        let dir = tempfile::tempdir().expect("a directory");
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("user.tcpparms")).expect("a directory");
        for name in ["USER.TCPPARMS(HOME)", "user.tcpparms/ports.txt", "PORTS", "SYS1.PROFILE"] {
            fs::write(at(name), "").expect("written");
        }
        let found = |name: &str| {
            let path = find(name, &[PathBuf::from("/nowhere"), dir.path().to_owned()])?;
            path.strip_prefix(dir.path()).ok()?.to_str().map(str::to_owned)
        };
        assert_eq!(found("user.tcpparms(home)").as_deref(), Some("USER.TCPPARMS(HOME)"));
        assert_eq!(found("USER.TCPPARMS(PORTS)").as_deref(), Some("user.tcpparms/ports.txt"));
        assert_eq!(found("OTHER.LIB(PORTS)").as_deref(), Some("PORTS"));
        assert_eq!(found("SYS1.PROFILE").as_deref(), Some("SYS1.PROFILE"));
        assert_eq!(found("SYS1.NONE"), None);
        assert_eq!(found("../x"), None);
    }
}
