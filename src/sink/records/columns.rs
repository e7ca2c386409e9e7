//! Which fields of records are printed, in which order and under which names.

use std::str::FromStr;

use crate::names::zsecure;
use crate::record::field::{Field, Format, Section};
use crate::record::view::sections_of;
use crate::record::{SUBTYPE_DETAIL, SUBTYPE_SUMMARY};

/// The subtypes with tables of fields.
const SUBTYPES: [u16; 2] = [SUBTYPE_DETAIL, SUBTYPE_SUMMARY];

/// Whose names fields are printed under.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldNames {
    /// IBM's.
    #[default]
    Ibm,
    /// zSecure's where they are known, IBM's for the rest.
    Zsecure,
}

impl FieldNames {
    /// The name of a field.
    pub fn of(self, field: &Field) -> &'static str {
        match self {
            Self::Ibm => field.name,
            Self::Zsecure => zsecure::name_of(field.name).unwrap_or(field.name),
        }
    }
}

impl FromStr for FieldNames {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "ibm" => Ok(Self::Ibm),
            "zsecure" => Ok(Self::Zsecure),
            _ => Err("expected ibm or zsecure".to_owned()),
        }
    }
}

/// What a column says of records of one subtype, or of both.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// `None` where both have it.
    pub subtype: Option<u16>,
    pub what: What,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    Field(&'static Section, &'static Field),
    /// The distinguished names.
    Names,
}

impl Place {
    /// Whether records of a subtype have it.
    pub fn is_of(&self, subtype: Option<u16>) -> bool {
        self.subtype.is_none_or(|own| Some(own) == subtype)
    }
}

/// A column: a name, and where records have what it says.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    pub(super) places: Vec<Place>,
}

/// The name of the distinguished names of a subtype.
fn names_column(subtype: u16) -> &'static str {
    if subtype == SUBTYPE_SUMMARY { "SMF119SS_DN" } else { "SMF119SC_DN" }
}

fn is_shown(field: &Field) -> bool {
    field.format != Format::Reserved
}

/// Columns of all fields of subtypes (of both, if none is given): those of the sections in
/// their order, without the self-defining section and reserved bytes, then the
/// distinguished names. Fields of one name are one column.
pub fn all_columns(subtypes: &[u16], names: FieldNames) -> Vec<Column> {
    columns(subtypes, names, |section| section.id != "sds")
}

fn columns(subtypes: &[u16], names: FieldNames, wanted: impl Fn(&Section) -> bool) -> Vec<Column> {
    let is_wanted = |s: &u16| subtypes.is_empty() || subtypes.contains(s);
    let subtypes: Vec<u16> = SUBTYPES.into_iter().filter(is_wanted).collect();
    let mut columns: Vec<Column> = Vec::new();
    let mut add = |name: &'static str, place: Place| {
        match columns.iter_mut().find(|column| column.name == name) {
            // Header and identification section are those of both subtypes.
            Some(column) if place.subtype.is_none() && !column.places.is_empty() => {}
            Some(column) => column.places.push(place),
            None => columns.push(Column { name, places: vec![place] }),
        }
    };
    for subtype in &subtypes {
        for section in sections_of(*subtype).into_iter().filter(|section| wanted(section)) {
            let shared = matches!(section.id, "header" | "ident");
            let subtype = (!shared).then_some(*subtype);
            for field in section.all_fields().filter(|field| is_shown(field)) {
                add(names.of(field), Place { subtype, what: What::Field(section, field) });
            }
        }
    }
    for subtype in subtypes {
        add(names_column(subtype), Place { subtype: Some(subtype), what: What::Names });
    }
    columns
}

/// The names that fields can be asked for by: those that are printed, and IBM's.
pub fn field_names(names: FieldNames) -> Vec<&'static str> {
    let mut all: Vec<&str> = columns(&[], names, |_| true).iter().map(|c| c.name).collect();
    if names != FieldNames::Ibm {
        let ibm = columns(&[], FieldNames::Ibm, |_| true);
        let more: Vec<&str> = ibm.iter().map(|c| c.name).filter(|n| !all.contains(n)).collect();
        all.extend(more);
    }
    all
}

/// The columns of these names, in this order; upper and lower case are the same.
///
/// # Errors
/// With the first name that is that of no field.
pub fn named_columns(wanted: &[String], names: FieldNames) -> Result<Vec<Column>, String> {
    let printed = columns(&[], names, |_| true);
    let ibm = columns(&[], FieldNames::Ibm, |_| true);
    let find = |name: &String| {
        let found = printed.iter().chain(&ibm).find(|c| c.name.eq_ignore_ascii_case(name));
        found.cloned().ok_or_else(|| name.clone())
    };
    wanted.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_names_of_their_own() {
        for names in [FieldNames::Ibm, FieldNames::Zsecure] {
            for subtypes in [&[11][..], &[12], &[]] {
                let columns = all_columns(subtypes, names);
                let mut all: Vec<&str> = columns.iter().map(|c| c.name).collect();
                let number = all.len();
                all.sort_unstable();
                all.dedup();
                assert_eq!(all.len(), number);
                assert!(columns.iter().all(|c| !c.places.is_empty()));
            }
        }
        let both = all_columns(&[], FieldNames::Zsecure);
        let merged = both.iter().find(|c| c.name == "TLS_CLIENT_CERT_KEY_LEN").expect("a column");
        assert_eq!(merged.places.len(), 2);
    }

    #[test]
    fn fields_are_found_by_either_name() {
        let names = |wanted: &[&str], names| {
            let wanted: Vec<String> = wanted.iter().map(|w| (*w).to_owned()).collect();
            let columns = named_columns(&wanted, names)?;
            Ok::<_, String>(columns.iter().map(|c| c.name).collect::<Vec<_>>())
        };
        assert_eq!(
            names(&["smf119hdtime", "SMF119S1Off", "SMF119SC_DN"], FieldNames::Ibm),
            Ok(vec!["SMF119HDTime", "SMF119S1Off", "SMF119SC_DN"])
        );
        assert_eq!(
            names(&["TLS_CLIENT_CERT_SERIAL", "SMF119SC_SALIP"], FieldNames::Zsecure),
            Ok(vec!["TLS_CLIENT_CERT_SERIAL", "SMF119SC_SALIP"])
        );
        assert!(names(&["TLS_CLIENT_CERT_SERIAL"], FieldNames::Ibm).is_err());
        assert!(field_names(FieldNames::Zsecure).contains(&"SMF119SC_TLS_CCert_Serial"));
    }
}
