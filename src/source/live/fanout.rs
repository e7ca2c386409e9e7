//! Several captures of one interface, among which the kernel deals its packets:
//! `PACKET_FANOUT` of packet(7).

use pcap::{Active, Capture};

/// Joins a capture to a group in which the kernel deals packets by a hash that is
/// the same for both directions of a connection; fragments are put together first.
///
/// # Errors
/// What the kernel says.
#[cfg(target_os = "linux")]
pub(super) fn join(capture: &Capture<Active>, group: u16) -> Result<(), String> {
    use nix::libc;
    // The macro names itself and others without a path.
    use nix::sys::socket::setsockopt;
    use nix::{setsockopt_impl, sockopt_impl};

    sockopt_impl!(Fanout, SetOnly, libc::SOL_PACKET, libc::PACKET_FANOUT, u32);
    let kind = libc::PACKET_FANOUT_HASH | libc::PACKET_FANOUT_FLAG_DEFRAG;
    setsockopt(capture, Fanout, &(u32::from(group) | kind << 16))
        .map_err(|e| format!("several capture threads: {e}"))
}

/// Only Linux has it.
#[cfg(not(target_os = "linux"))]
pub(super) fn join(_: &Capture<Active>, _: u16) -> Result<(), String> {
    Err("several capture threads of an interface are for Linux".to_owned())
}
