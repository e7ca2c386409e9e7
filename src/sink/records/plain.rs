//! Values as text, without the detours of general formatting.

use std::io::Write;
use std::net::IpAddr;

/// Hexadecimal digits.
pub(super) const UPPER: &[u8; 16] = b"0123456789ABCDEF";
/// The same in lower case.
pub(super) const LOWER: &[u8; 16] = b"0123456789abcdef";

/// Appends bytes as hexadecimal digits.
#[expect(clippy::indexing_slicing, reason = "four bits index sixteen digits")]
pub(super) fn digits(out: &mut Vec<u8>, bytes: &[u8], digits: &[u8; 16]) {
    let two = |byte: &u8| [digits[usize::from(byte >> 4)], digits[usize::from(byte & 0xF)]];
    out.extend(bytes.iter().flat_map(two));
}

/// Appends an unsigned big-endian integer of up to eight bytes.
pub(super) fn number(out: &mut Vec<u8>, bytes: &[u8]) {
    integer(out, bytes.iter().fold(0, |n, &b| n << 8 | u64::from(b)));
}

/// Appends an integer.
pub(super) fn integer(out: &mut Vec<u8>, n: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
}

/// Appends hundredths of a second since midnight as a time of day.
pub(super) fn clock(out: &mut Vec<u8>, bytes: &[u8]) {
    let n = bytes.iter().fold(0u64, |n, &b| n << 8 | u64::from(b));
    let seconds = n / 100;
    for (before, part) in ["", ":", ":", "."].into_iter().zip([
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        n % 100,
    ]) {
        out.extend_from_slice(before.as_bytes());
        if part < 10 {
            out.push(b'0');
        }
        integer(out, part);
    }
}

/// Appends an address.
pub(super) fn address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            for (n, octet) in address.octets().into_iter().enumerate() {
                if n > 0 {
                    out.push(b'.');
                }
                out.extend_from_slice(itoa::Buffer::new().format(octet).as_bytes());
            }
        }
        IpAddr::V6(address) => {
            let _ = write!(out, "{address}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_have_two_digits_each() {
        for (hundredths, text) in
            [(0u32, "00:00:00.00"), (8_639_999, "23:59:59.99"), (36_610_203, "101:41:42.03")]
        {
            let mut out = Vec::new();
            clock(&mut out, &hundredths.to_be_bytes());
            assert_eq!(String::from_utf8_lossy(&out), text);
        }
    }
}
