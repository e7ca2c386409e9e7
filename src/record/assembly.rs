//! Putting a record together: sections one after another, their triplets, the
//! length.

use super::Header;
use super::image::Image;

/// Offset of the first triplet.
const FIRST: usize = 28;
/// Bytes of a triplet.
const TRIPLET: usize = 8;

/// A record that is being written.
pub(super) struct Assembly<'a> {
    out: &'a mut Vec<u8>,
    /// Where the record begins.
    start: usize,
    /// Index of the next triplet.
    next: usize,
    triplets: usize,
    /// The record that this one was read from.
    image: Option<&'a Image>,
}

impl<'a> Assembly<'a> {
    /// Writes the header and empty triplets: `least`, or as many as the image
    /// has.
    pub fn new(
        out: &'a mut Vec<u8>,
        header: &Header,
        image: Option<&'a Image>,
        least: usize,
    ) -> Self {
        let start = out.len();
        let triplets = image.map_or(0, Image::triplets).max(least);
        header.encode(out);
        out.extend_from_slice(&narrow16(triplets).to_be_bytes());
        out.resize(start + FIRST + TRIPLET * triplets, 0);
        Self { out, start, next: 0, triplets, image }
    }

    /// Writes the sections of the next triplet, each `length` bytes long; none
    /// if `number` is zero.
    pub fn sections(&mut self, number: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let at = self.out.len();
        if number > 0 {
            write(self.out);
            let length = (self.out.len() - at).checked_div(number).unwrap_or(0);
            let [o0, o1, o2, o3] = narrow32(at - self.start).to_be_bytes();
            let [l0, l1] = narrow16(length).to_be_bytes();
            let [n0, n1] = narrow16(number).to_be_bytes();
            let place = self.start + FIRST + TRIPLET * self.next;
            if let Some(triplet) = self.out.get_mut(place..).and_then(<[u8]>::first_chunk_mut) {
                *triplet = [o0, o1, o2, o3, l0, l1, n0, n1];
            }
        }
        self.next += 1;
    }

    /// Writes the section of the next triplet, if there is one.
    pub fn section<T>(&mut self, section: Option<&T>, write: impl FnOnce(&T, &mut Vec<u8>)) {
        let (image, index) = (self.image, self.next);
        self.sections(usize::from(section.is_some()), |out| {
            if let Some(section) = section {
                let at = out.len();
                write(section, out);
                let known = out.len() - at;
                out.extend_from_slice(image.map_or(&[], |i| i.tail(index, known)));
            }
        });
    }

    /// Writes the sections that no layout has, and the record's length.
    pub fn finish(mut self) {
        while let (Some(image), true) = (self.image, self.next < self.triplets) {
            let (number, bytes) = image.unknown(self.next);
            self.sections(number, |out| out.extend_from_slice(bytes));
        }
        let length = narrow16(self.out.len() - self.start);
        let descriptor = self.out.get_mut(self.start..).and_then(<[u8]>::first_chunk_mut);
        if let Some(place) = descriptor {
            *place = length.to_be_bytes();
        }
    }
}

/// Record offsets and lengths stay below 32,756 by construction: at most twelve
/// names of 1,028 bytes and the fixed sections.
pub(super) fn narrow16(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}

pub(super) fn narrow32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
