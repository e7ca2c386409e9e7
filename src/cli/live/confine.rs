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
    /// Files and directories that it reads again.
    pub read: Vec<PathBuf>,
    /// Port that it connects to.
    pub connect: Option<u16>,
    /// Whether time stamps of the adapter have to be switched on again.
    pub adapter_stamps: bool,
    /// Whether kernel confinement is wanted.
    pub confine: bool,
}

impl Needs {
    /// A file that is written: its directory, which may have to be made again.
    pub fn writes(&mut self, file: &Path) {
        if file == Path::new("-") {
            return;
        }
        self.writes_in(directory(file));
    }

    /// A directory in which files are written.
    pub fn writes_in(&mut self, directory: &Path) {
        let directory = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
        // A directory that is removed and made again is another one.
        let above = directory.parent().filter(|p| p.parent().is_some()).map(Path::to_owned);
        self.write.extend(above);
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

    /// What libpcap reads to open an interface again, and what the process reads of
    /// itself.
    const READ: &[&str] = &["/proc", "/sys", "/etc", "/usr/share/zoneinfo", "/lib", "/usr/lib"];

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
            None => invoking_user(),
        };
        if let Some(user) = &user {
            become_user(user)?;
        } else if Uid::effective().is_root() {
            tracing::warn!("running as root; --user NAME gives that up");
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
}
