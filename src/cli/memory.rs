//! How much memory a run may have, and its end in order before there is none.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::read_args::ReadOptions;
use crate::config::memory::Bounds;

/// How often it is looked.
const EVERY: Duration = Duration::from_millis(50);

/// The bounds that the options ask for. What is given itself stands above what follows
/// from memory.
pub(super) fn bounds(args: &ReadOptions) -> Bounds {
    let limit = Limit::of(args);
    limit.map_or_else(|| Bounds::of(u64::MAX), |limit| Bounds::of(limit.resident))
}

/// What a run may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limit {
    /// Bytes in memory, and where that comes from.
    resident: u64,
    from: &'static str,
    /// Bytes of address space.
    addresses: Option<u64>,
}

impl Limit {
    fn of(args: &ReadOptions) -> Option<Self> {
        // A twentieth is left for what is not this process.
        let most = |bytes: u64| bytes / 20 * 19;
        let addresses = address_space().map(most);
        let (resident, from) = match args.max_memory {
            Some(megabytes) => (megabytes << 20, "--max-memory"),
            None => [
                (addresses, "the limit of address space (ulimit -v)"),
                (control_group().map(most), "the control group"),
                (machine().map(most), "the machine"),
            ]
            .into_iter()
            .filter_map(|(bytes, from)| Some((bytes?, from)))
            .min()?,
        };
        Some(Self { resident, from, addresses })
    }
}

/// Looks at the memory in use, and stops the run before there is no more.
#[derive(Debug)]
pub(super) struct Watch {
    limit: Option<Limit>,
    exceeded: Arc<AtomicU64>,
}

impl Watch {
    /// Watches until the process ends.
    pub fn start(args: &ReadOptions, stop: &Arc<AtomicBool>) -> Self {
        let exceeded = Arc::new(AtomicU64::new(0));
        let limit = Limit::of(args);
        if let Some(limit) = limit {
            let (exceeded, stop) = (Arc::clone(&exceeded), Arc::clone(stop));
            let look = move || {
                while !stop.load(Ordering::Relaxed) {
                    let over = status("VmRSS:").filter(|bytes| *bytes > limit.resident);
                    let spread =
                        status("VmSize:").filter(|b| limit.addresses.is_some_and(|a| *b > a));
                    if let Some(bytes) = over.or(spread) {
                        exceeded.store(bytes, Ordering::Release);
                        stop.store(true, Ordering::Relaxed);
                    }
                    std::thread::sleep(EVERY);
                }
            };
            // Without it the run is as it would be without a limit.
            let _ = std::thread::Builder::new().name("memory".to_owned()).spawn(look);
        }
        Self { limit, exceeded }
    }

    /// Why the run was ended, if that was for want of memory.
    pub fn exceeded(&self) -> Option<anyhow::Error> {
        let bytes = self.exceeded.load(Ordering::Acquire);
        let limit = self.limit.filter(|_| bytes > 0)?;
        Some(anyhow::anyhow!(
            "{} MB of memory were in use, of {} MB by {}: ended in order, what was written is \
             complete up to there. Lower bounds take less: --max-memory (all of them), \
             --max-connections, --max-handshake-memory, --max-sessions; fewer --threads and a \
             smaller --batch, too",
            bytes >> 20,
            limit.resident >> 20,
            limit.from
        ))
    }
}

/// A line of the process's status, in bytes.
fn status(name: &str) -> Option<u64> {
    kilobytes(&std::fs::read_to_string("/proc/self/status").ok()?, name)
}

fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// Memory of the machine.
fn machine() -> Option<u64> {
    kilobytes(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemTotal:")
}

/// The soft limit of address space.
fn address_space() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = text.lines().find(|line| line.starts_with("Max address space"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

/// The least limit of the control groups that the process is in, version 1 or 2.
fn control_group() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    of_groups(&groups, Path::new("/sys/fs/cgroup"))
}

fn of_groups(groups: &str, root: &Path) -> Option<u64> {
    let mut least = None;
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (parts.next(), parts.next()) else { continue };
        let (root, file) = match controllers {
            "" => (root.to_owned(), "memory.max"),
            all if all.split(',').any(|c| c == "memory") => {
                (root.join("memory"), "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let inner = root.join(group.trim_start_matches('/'));
        // In a container the group that is named may be outside of what is mounted.
        for at in inner.ancestors().take_while(|at| at.starts_with(&root)) {
            let limit = std::fs::read_to_string(at.join(file)).ok();
            let limit: Option<u64> = limit.and_then(|text| text.trim().parse().ok());
            least = [least, limit].into_iter().flatten().min();
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_limit_of_a_group_and_those_above_it_holds() {
        let dir = tempfile::tempdir().expect("a directory");
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
            std::fs::write(path, text).expect("written");
        };
        write("a/memory.max", "1000000\n");
        write("a/b/memory.max", "max\n");
        write("memory/x/memory.limit_in_bytes", "2000000\n");
        for (groups, limit) in [
            ("0::/a/b\n", Some(1_000_000)),
            ("0::/elsewhere\n", None),
            ("4:cpu,memory:/x/y\n3:cpu:/a\n", Some(2_000_000)),
            ("4:memory:/x\n0::/a\n", Some(1_000_000)),
            ("nonsense", None),
        ] {
            assert_eq!(of_groups(groups, dir.path()), limit, "{groups}");
        }
    }
}
