//! The fields of parts of one shape, each with what was made of its bytes last: most
//! fields say in a record what they said in the one before.

use std::ops::Range;

use crate::record::field::{Field, Format};
use crate::record::view::{Part, Shape};

/// Shapes that are remembered. Sound records have a few dozen.
const MAX_SHAPES: usize = 256;

/// A field of a template.
#[derive(Debug)]
pub(super) struct Slot {
    pub field: &'static Field,
    /// Where its bytes are in the part.
    pub place: Range<usize>,
    /// Text that stands before every value.
    pub before: Vec<u8>,
    /// Whether it is a plain number, for which nothing needs to be remembered.
    pub number: bool,
    /// The bytes that were rendered last.
    bytes: Vec<u8>,
    /// What was made of them.
    text: Vec<u8>,
}

impl Slot {
    /// A field at its place in the parts of a shape.
    pub fn new(field: &'static Field, (before, number): (Vec<u8>, bool)) -> Self {
        let place = field.offset..field.offset + field.length;
        Self { field, place, before, number, bytes: Vec::new(), text: Vec::new() }
    }

    /// Whether what its bytes say depends on nothing else.
    fn by_itself(&self) -> bool {
        // Whether an address is one of IPv6 is said elsewhere in the section.
        self.field.format != Format::Ip
    }

    /// Appends what is made of some bytes, with what stands before it: as it was made last,
    /// if they are the same.
    pub fn write(&mut self, out: &mut Vec<u8>, bytes: &[u8], render: impl FnOnce(&mut Vec<u8>)) {
        if self.bytes != bytes || !self.by_itself() {
            self.bytes.clear();
            self.bytes.extend_from_slice(bytes);
            self.text.clear();
            self.text.extend_from_slice(&self.before);
            render(&mut self.text);
        }
        out.extend_from_slice(&self.text);
    }
}

/// The fields of parts of one shape.
#[derive(Debug)]
pub(super) struct Template {
    shape: Shape,
    pub slots: Vec<Slot>,
    /// Where the bytes begin that no field has.
    pub unknown: usize,
}

/// Templates of the shapes that were met.
#[derive(Debug, Default)]
pub(super) struct Templates(Vec<Template>);

impl Templates {
    /// The template of a part; `before` says what stands before a field's values, and
    /// whether they are plain numbers.
    #[expect(clippy::indexing_slicing, reason = "a place that was found or made just now")]
    pub fn of(
        &mut self,
        part: &Part<'_>,
        before: impl Fn(&Field) -> (Vec<u8>, bool),
    ) -> &mut Template {
        let shape = part.shape();
        let known = self.0.iter().position(|template| template.shape == shape);
        let at = known.unwrap_or_else(|| {
            if self.0.len() >= MAX_SHAPES {
                self.0.clear();
            }
            let slots = part.fields().map(|(field, _)| Slot::new(field, before(field))).collect();
            let unknown = part.bytes.len() - part.unknown().len();
            self.0.push(Template { shape, slots, unknown });
            self.0.len() - 1
        });
        &mut self.0[at]
    }
}
