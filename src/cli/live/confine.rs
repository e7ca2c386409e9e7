//! Gives up what a watch does not need once interfaces and sockets are open: user and
//! groups, capabilities, other programs, files elsewhere.
//!
//! Capture threads keep the right to capture, because an interface that is gone has
//! to be opened again; all others lose it, too.

use std::path::{Path, PathBuf};

use crate::sink::file::directory;

/// What the confined process still needs.
#[derive(Debug, Default)]
pub(super) struct Needs {
    /// Who to become.
    pub user: Option<String>,
    /// Directories in which it writes.
    pub write: Vec<PathBuf>,
    /// Those of them that outputs are in.
    pub outputs: Vec<PathBuf>,
    /// Files and directories that it reads again.
    pub read: Vec<PathBuf>,
    /// Port that it connects to.
    pub connect: Option<u16>,
    /// Whether time stamps of the adapter have to be switched on again.
    pub adapter_stamps: bool,
    /// Whether kernel confinement is wanted.
    pub confine: bool,
}

/// Directories in which not everything may be read because a settings file is in them.
const SYSTEM: &[&str] =
    &["/", "/etc", "/root", "/home", "/var", "/var/lib", "/run", "/usr", "/boot"];

impl Needs {
    /// A file that is written: its directory, which may have to be made again.
    pub fn writes(&mut self, file: &Path) {
        if file == Path::new("-") {
            return;
        }
        self.writes_in(directory(file));
    }

    /// A file that is read again, which may be another one then: its directory, unless
    /// that is one of the system with files of others.
    pub fn reads_again(&mut self, file: &Path) {
        let directory = directory(file);
        let whole = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
        let of_system = SYSTEM.iter().any(|system| Path::new(system) == whole);
        self.read.push(if of_system { file.to_owned() } else { whole });
    }

    /// A directory in which files are written.
    pub fn writes_in(&mut self, directory: &Path) {
        let directory = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
        // A directory that is removed and made again is another one.
        let above = directory.parent().filter(|p| p.parent().is_some()).map(Path::to_owned);
        self.write.extend(above);
        self.outputs.push(directory.clone());
        self.write.push(directory);
    }
}

#[cfg(target_os = "linux")]
pub(super) use linux::{confine, drop_capture};

#[cfg(not(target_os = "linux"))]
pub(super) fn confine(needs: &Needs) -> anyhow::Result<()> {
    if needs.user.is_some() {
        anyhow::bail!("--user is for Linux");
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn drop_capture() {}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeMap;
    use std::ffi::CString;

    use anyhow::{Context, bail};
    use caps::{CapSet, Capability, CapsHashSet};
    use landlock::{
        ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, NetPort, PathBeneath, PathFd,
        Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetStatus,
    };
    use nix::libc;
    use nix::unistd::{Uid, User, initgroups, setresgid, setresuid};
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, SeccompRule};

    use super::Needs;

    /// What libpcap reads to open an interface again, what the process reads of itself,
    /// zones, and what is needed to find a host. Not all of `/etc`: a settings file that
    /// became a link must not lead to what only root may read.
    const READ: &[&str] = &[
        "/proc",
        "/sys",
        "/etc/localtime",
        "/etc/timezone",
        "/etc/hosts",
        "/etc/host.conf",
        "/etc/resolv.conf",
        "/etc/nsswitch.conf",
        "/etc/gai.conf",
        "/etc/services",
        "/etc/protocols",
        "/etc/ethers",
        "/etc/ld.so.cache",
        "/usr/share/zoneinfo",
        "/lib",
        "/usr/lib",
    ];

    /// Users without rights, one of which the process becomes if it is root.
    const UNPRIVILEGED: &[&str] = &["zerttap", "nobody"];

    /// System calls that a watch never needs: other programs, other processes' memory,
    /// mounts, kernel modules, other namespaces. They fail with EPERM.
    const REFUSED: &[libc::c_long] = &[
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_kexec_load,
        libc::SYS_reboot,
        libc::SYS_swapon,
        libc::SYS_swapoff,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_userfaultfd,
        libc::SYS_open_by_handle_at,
        libc::SYS_name_to_handle_at,
        libc::SYS_settimeofday,
        libc::SYS_clock_settime,
        libc::SYS_adjtimex,
        libc::SYS_sethostname,
        libc::SYS_setdomainname,
        libc::SYS_acct,
        libc::SYS_quotactl,
        libc::SYS_personality,
        libc::SYS_io_uring_setup,
    ];

    /// Gives up everything but what is needed. To be called while there is one thread.
    ///
    /// # Errors
    /// If what the user asked for cannot be done. What a kernel does not offer is said
    /// and left.
    pub fn confine(needs: &Needs) -> anyhow::Result<()> {
        let keep = capture_rights(needs);
        // Before the user changes: that takes the right to do it. Without the right there
        // is nothing in it that could be used.
        let _ = caps::clear(None, CapSet::Bounding);
        let user = match &needs.user {
            Some(name) => Some(find(name)?),
            None => invoking_user().or_else(|| unprivileged(needs)),
        };
        if let Some(user) = &user {
            let was_root = Uid::effective().is_root();
            become_user(user)?;
            if was_root && needs.user.is_none() {
                tracing::info!("running as {}", user.name);
            }
        } else if Uid::effective().is_root() {
            tracing::warn!(
                "running as root: {} may not read and write all files that are named; \
                 --user NAME and directories of that user give root up",
                UNPRIVILEGED.join(" and ")
            );
        }
        reduce(&keep).context("capabilities")?;
        nix::sys::prctl::set_no_new_privs().context("no new privileges")?;
        if needs.confine {
            if let Err(error) = landlock(needs) {
                tracing::warn!("not confined to its files (Landlock): {error}");
            }
            if let Err(error) = seccomp() {
                tracing::warn!("not confined to its system calls (seccomp): {error}");
            }
        }
        Ok(())
    }

    /// Gives up the right to capture, in this thread and those that it starts.
    pub fn drop_capture() {
        for set in [CapSet::Effective, CapSet::Permitted, CapSet::Inheritable] {
            if let Err(error) = caps::clear(None, set) {
                tracing::warn!("capabilities are left: {error}");
            }
        }
    }

    fn capture_rights(needs: &Needs) -> CapsHashSet {
        let mut keep = CapsHashSet::from([Capability::CAP_NET_RAW]);
        if needs.adapter_stamps {
            keep.insert(Capability::CAP_NET_ADMIN);
        }
        let permitted = caps::read(None, CapSet::Permitted).unwrap_or_default();
        keep.intersection(&permitted).copied().collect()
    }

    /// A user by name or number.
    fn find(name: &str) -> anyhow::Result<User> {
        let by_number = || name.parse().ok().and_then(|n| User::from_uid(Uid::from_raw(n)).ok()?);
        let found = User::from_name(name).ok().flatten().or_else(by_number);
        found.with_context(|| format!("--user {name}: there is no such user"))
    }

    /// Who has called sudo: what is written is theirs.
    fn invoking_user() -> Option<User> {
        if !Uid::effective().is_root() {
            return None;
        }
        let number: u32 = std::env::var("SUDO_UID").ok()?.parse().ok()?;
        User::from_uid(Uid::from_raw(number)).ok()?.filter(|u| !u.uid.is_root())
    }

    /// A user without rights who may write where outputs are and read what is read again.
    fn unprivileged(needs: &Needs) -> Option<User> {
        if !Uid::effective().is_root() {
            return None;
        }
        let users = UNPRIVILEGED.iter().filter_map(|name| User::from_name(name).ok().flatten());
        users.filter(|user| !user.uid.is_root()).find(|user| {
            needs.outputs.iter().all(|path| may(user, path, WRITE | SEARCH))
                && needs.read.iter().all(|path| !path.exists() || may(user, path, READABLE))
        })
    }

    const READABLE: u32 = 4;
    const WRITE: u32 = 2;
    const SEARCH: u32 = 1;

    /// Whether mode bits let a user use a file so, and every directory on the way to it.
    /// Groups other than the user's own are left out: what is uncertain is a no.
    fn may(user: &User, path: &std::path::Path, how: u32) -> bool {
        use std::os::unix::fs::MetadataExt;
        let Ok(path) = path.canonicalize() else { return false };
        path.ancestors().enumerate().all(|(n, part)| {
            let Ok(there) = std::fs::metadata(part) else { return false };
            let bits = match (there.uid() == user.uid.as_raw(), there.gid() == user.gid.as_raw()) {
                (true, _) => there.mode() >> 6,
                (false, true) => there.mode() >> 3,
                (false, false) => there.mode(),
            };
            let how = if n == 0 { how } else { SEARCH };
            bits & how == how
        })
    }

    fn become_user(user: &User) -> anyhow::Result<()> {
        if Uid::effective() == user.uid {
            return Ok(());
        }
        if !Uid::effective().is_root() {
            bail!("--user {}: only root may become somebody else", user.name);
        }
        let failed = || format!("cannot become {}", user.name);
        // The right to capture outlives the change.
        nix::sys::prctl::set_keepcaps(true).with_context(failed)?;
        let name = CString::new(user.name.as_str()).with_context(failed)?;
        initgroups(&name, user.gid).with_context(failed)?;
        setresgid(user.gid, user.gid, user.gid).with_context(failed)?;
        setresuid(user.uid, user.uid, user.uid).with_context(failed)?;
        Ok(())
    }

    fn reduce(keep: &CapsHashSet) -> Result<(), caps::errors::CapsError> {
        caps::clear(None, CapSet::Ambient)?;
        caps::clear(None, CapSet::Inheritable)?;
        caps::set(None, CapSet::Effective, keep)?;
        caps::set(None, CapSet::Permitted, keep)
    }

    fn landlock(needs: &Needs) -> anyhow::Result<()> {
        let abi = ABI::V5;
        let mut rules = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(abi))?
            .handle_access(AccessNet::from_all(abi))?
            .create()?;
        let read = READ.iter().map(std::path::Path::new);
        for path in read.chain(needs.read.iter().map(|p| p.as_path())) {
            rules = allow(rules, path, AccessFs::ReadFile | AccessFs::ReadDir)?;
        }
        for path in &needs.write {
            let all = AccessFs::from_all(abi) & !AccessFs::Execute & !AccessFs::IoctlDev;
            rules = allow(rules, path, all)?;
        }
        if let Some(port) = needs.connect {
            rules = rules.add_rule(NetPort::new(port, AccessNet::ConnectTcp))?;
        }
        let status = rules.restrict_self()?;
        if status.ruleset == RulesetStatus::NotEnforced {
            bail!("this kernel does not offer it");
        }
        Ok(())
    }

    fn allow(
        rules: RulesetCreated,
        path: &std::path::Path,
        access: landlock::BitFlags<AccessFs>,
    ) -> anyhow::Result<RulesetCreated> {
        // What is not there needs no rule.
        let Ok(descriptor) = PathFd::new(path) else { return Ok(rules) };
        let access = if path.is_dir() { access } else { access & AccessFs::from_file(ABI::V5) };
        Ok(rules.add_rule(PathBeneath::new(descriptor, access))?)
    }

    fn seccomp() -> anyhow::Result<()> {
        let refused: BTreeMap<i64, Vec<SeccompRule>> =
            REFUSED.iter().map(|&number| (number, Vec::new())).collect();
        let filter = SeccompFilter::new(
            refused,
            SeccompAction::Allow,
            SeccompAction::Errno(libc::EPERM as u32),
            std::env::consts::ARCH.try_into()?,
        )?;
        let program: BpfProgram = filter.try_into()?;
        seccompiler::apply_filter(&program)?;
        Ok(())
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use std::os::unix::fs::PermissionsExt;
        use std::path::Path;

        /// The user without rights is taken where mode bits let it do what is needed.
        #[test]
        fn a_user_without_rights_is_taken_only_where_it_can_do_its_work() {
            let dir = tempfile::tempdir().expect("a directory");
            let mode = |bits| {
                let permissions = std::fs::Permissions::from_mode(bits);
                std::fs::set_permissions(dir.path(), permissions).expect("a mode");
            };
            let Ok(Some(nobody)) = User::from_name("nobody") else { return };
            for (bits, written, read) in
                [(0o700, false, false), (0o755, false, true), (0o777, true, true)]
            {
                mode(bits);
                assert_eq!(may(&nobody, dir.path(), WRITE | SEARCH), written, "{bits:o}");
                assert_eq!(may(&nobody, dir.path(), READABLE), read, "{bits:o}");
            }
            // Not below a directory that it may not search.
            let inner = dir.path().join("inner");
            std::fs::create_dir(&inner).expect("made");
            std::fs::set_permissions(&inner, std::fs::Permissions::from_mode(0o777))
                .expect("a mode");
            assert!(may(&nobody, &inner, WRITE | SEARCH));
            mode(0o700);
            assert!(!may(&nobody, &inner, WRITE | SEARCH));
        }

        /// What a settings file became a link to is not readable for being in `/etc`.
        #[test]
        fn only_what_is_named_is_readable() {
            let mut needs = Needs::default();
            needs.reads_again(Path::new("/etc/zerttap.toml"));
            assert_eq!(needs.read, [Path::new("/etc/zerttap.toml")]);
            let all = READ.iter().map(Path::new).chain(needs.read.iter().map(|p| p.as_path()));
            for path in all {
                assert!(!Path::new("/etc/shadow").starts_with(path), "{}", path.display());
            }
            // Restricted threads are given up with what they were for.
            let restricted = std::thread::spawn(move || {
                if landlock(&needs).is_err() {
                    eprintln!("no Landlock here: reading /etc/shadow is not tried");
                    return true;
                }
                std::fs::read("/proc/self/status").is_ok() && std::fs::read("/etc/shadow").is_err()
            });
            assert!(restricted.join().expect("no panic"));
        }
    }
}
