//! The description of a record field, and the macro that makes a section's
//! structure, encoder, decoder and field table from one list.

use super::level::Release;
use crate::names::CodeTable;

/// How the bytes of a field are read. Integers are unsigned and big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Unsigned big-endian integer.
    Binary,
    /// EBCDIC text, left justified.
    Ebcdic,
    /// Packed decimal date, digits `0cyydddF`.
    Packed,
    /// Bit flags.
    Flags,
    /// 16-byte address field: IPv6, or IPv4 in the first four bytes.
    Ip,
    /// Opaque bytes.
    Bytes,
    /// Reserved: written as zeros, ignored when read.
    Reserved,
}

/// Whether IBM treats a change of the field as a change of protection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Significance {
    /// A security attribute: it takes part in aggregation.
    Significant,
    /// Marked informational only.
    Informational,
    /// Not a security attribute.
    None,
}

/// One field of a section.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// IBM's field name.
    pub name: &'static str,
    /// Offset in bytes from the start of the section.
    pub offset: usize,
    /// Length in bytes.
    pub length: usize,
    /// How the bytes are read.
    pub format: Format,
    /// The byte that fills the field when its value is not known.
    pub fill: u8,
    /// Whether the field is a security attribute.
    pub significance: Significance,
    /// The release that brought the field.
    pub since: Release,
    /// The coded values, if the field is coded.
    pub codes: Option<&'static CodeTable>,
    /// What the field says.
    pub meaning: &'static [&'static str],
}

/// A section of a record: its fields in order, without gaps.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// Name of the section in the specification.
    pub id: &'static str,
    /// IBM's title.
    pub title: &'static str,
    /// Offset of the first field: zero, or where an extension begins.
    pub start: usize,
    /// Length in bytes, with what comes before an extension.
    pub length: usize,
    /// The fields, ascending by offset.
    pub fields: &'static [Field],
    /// What later releases have appended, or put in the place of reserved bytes.
    pub extensions: &'static [&'static Self],
}

impl Section {
    /// All fields there are: first those of the base layout, then those of its
    /// extensions. An extension may stand in the place of reserved bytes.
    pub fn all_fields(&self) -> impl Iterator<Item = &'static Field> {
        self.fields.iter().chain(self.extensions.iter().flat_map(|e| e.fields))
    }
}

/// A value with a fixed width in a record.
pub trait Wire: Sized {
    /// Width in bytes.
    const LEN: usize;
    /// The value whose bytes are all `byte`.
    fn filled(byte: u8) -> Self;
    /// Writes the value into `out`, which is exactly [`Self::LEN`] bytes long.
    fn put(&self, out: &mut [u8]);
    /// Reads the value from `bytes`, which is exactly [`Self::LEN`] bytes long.
    fn get(bytes: &[u8]) -> Self;
}

macro_rules! wire_integer {
    ($($ty:ty),*) => {$(
        impl Wire for $ty {
            const LEN: usize = size_of::<$ty>();
            fn filled(byte: u8) -> Self {
                <$ty>::from_be_bytes([byte; size_of::<$ty>()])
            }
            fn put(&self, out: &mut [u8]) {
                out.copy_from_slice(&self.to_be_bytes());
            }
            fn get(bytes: &[u8]) -> Self {
                let mut raw = [0; size_of::<$ty>()];
                raw.copy_from_slice(bytes);
                <$ty>::from_be_bytes(raw)
            }
        }
    )*};
}
wire_integer!(u8, u16, u32, u64);

impl<const N: usize> Wire for [u8; N] {
    const LEN: usize = N;
    fn filled(byte: u8) -> Self {
        [byte; N]
    }
    fn put(&self, out: &mut [u8]) {
        out.copy_from_slice(self);
    }
    fn get(bytes: &[u8]) -> Self {
        let mut raw = [0; N];
        raw.copy_from_slice(bytes);
        raw
    }
}

/// Checks at compile time that fields follow each other without gaps and fill
/// the section.
#[expect(clippy::indexing_slicing, reason = "at compile time")]
pub const fn contiguous(section: &Section) -> bool {
    let mut at = section.start;
    let mut i = 0;
    while i < section.fields.len() {
        if section.fields[i].offset != at {
            return false;
        }
        at += section.fields[i].length;
        i += 1;
    }
    at == section.length
}

/// Makes a section from one list of
/// `"IBM name" field: type = offset, format, fill, significance, [code table];`.
/// An extension of a section says `from` which offset and `since` which release;
/// its offsets are those of the section. A section lists its extensions.
macro_rules! section {
    (
        $(#[$doc:meta])*
        pub struct $name:ident(
            $id:literal, $title:literal, $length:literal
            $(, from $start:literal since $since:ident)? $(, extended by $($extension:ident),+)?
        ) {
            $(
                $(#[doc = $meaning:literal])*
                $ibm:literal $field:ident: $ty:ty = $offset:literal, $format:ident, $fill:ident,
                    $significance:ident, [$($codes:path)?];
            )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name {
            $($(#[doc = $meaning])* pub $field: $ty,)*
        }

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $length - Self::START;

            /// The release that brought it.
            const SINCE: $crate::record::Release =
                $crate::record::field::section!(@since $($since)?);

            /// Offset of the first field in the section.
            const START: usize = 0 $(+ $start)?;

            /// The section's field table.
            pub const SECTION: &'static $crate::record::field::Section =
                &$crate::record::field::Section {
                    id: $id,
                    title: $title,
                    start: Self::START,
                    length: $length,
                    extensions: &[$($($extension::SECTION),+)?],
                    fields: &[$($crate::record::field::Field {
                        name: $ibm,
                        offset: $offset,
                        length: <$ty as $crate::record::field::Wire>::LEN,
                        format: $crate::record::field::Format::$format,
                        fill: $crate::record::field::section!(@fill $fill),
                        significance: $crate::record::field::Significance::$significance,
                        since: Self::SINCE,
                        codes: $crate::record::field::section!(@codes $($codes)?),
                        meaning: &[$($meaning),*],
                    },)*],
                };

            /// Appends the section's bytes to `out`.
            pub fn encode(&self, out: &mut Vec<u8>) {
                use $crate::record::field::Wire;
                let start = out.len();
                out.resize(start + Self::LEN, 0);
                $({
                    const AT: usize = $offset - $name::START;
                    if let Some(place) = out.get_mut(start + AT..start + AT + <$ty>::LEN) {
                        self.$field.put(place);
                    }
                })*
            }

            /// Reads it from the bytes of a section; what follows is ignored.
            /// `None` if the section is shorter.
            pub fn decode(section: &[u8]) -> Option<Self> {
                use $crate::record::field::Wire;
                let section = section.get(..$length)?;
                Some(Self {
                    $($field: <$ty>::get(section.get($offset..$offset + <$ty>::LEN)?),)*
                })
            }
        }

        impl Default for $name {
            /// Every field filled as for an unknown value.
            fn default() -> Self {
                use $crate::record::field::Wire;
                Self { $($field: <$ty>::filled($crate::record::field::section!(@fill $fill)),)* }
            }
        }

        const _: () = assert!($crate::record::field::contiguous($name::SECTION));
    };
    (@since) => { $crate::record::level::Release::V2r3 };
    (@since $since:ident) => { $crate::record::level::Release::$since };
    (@fill zero) => { 0x00 };
    (@fill blank) => { 0x40 };
    (@codes) => { None };
    (@codes $codes:path) => { Some(&$codes) };
}
pub(crate) use section;
