//! The words of a statement, one after another.

use std::net::{IpAddr, Ipv4Addr};

use super::ProfileError;
use super::words::Word;

/// Walks over the words of a profile.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    words: &'a [Word],
    at: usize,
    /// The statement under way, for messages.
    pub statement: String,
}

impl<'a> Cursor<'a> {
    pub fn new(words: &'a [Word]) -> Self {
        Self { words, at: 0, statement: String::new() }
    }

    /// The next word.
    pub fn peek(&self) -> Option<&'a Word> {
        self.words.get(self.at)
    }

    /// Takes the next word.
    pub fn next(&mut self) -> Option<&'a Word> {
        let word = self.words.get(self.at);
        self.at += usize::from(word.is_some());
        word
    }

    /// Gives the last word back.
    pub fn back(&mut self) {
        self.at = self.at.saturating_sub(1);
    }

    /// The address that the next word is, if it is one.
    pub fn peek_address(&self) -> Option<(IpAddr, Option<u8>)> {
        address(&self.peek()?.text)
    }

    /// Takes the next word if it is a keyword.
    pub fn take(&mut self, keyword: &str) -> bool {
        let is = self.peek().is_some_and(|w| w.is(keyword));
        self.at += usize::from(is);
        is
    }

    /// Takes the next word, which has to be there.
    pub fn need(&mut self, expected: &str) -> Result<&'a Word, ProfileError> {
        match self.next() {
            Some(word) => Ok(word),
            None => Err(self.at_end(expected)),
        }
    }

    /// The profile ends where something is expected.
    fn at_end(&self, expected: &str) -> ProfileError {
        let place = self.words.last().map_or_else(
            || super::SourceLocation { file: "".into(), line: 1, column: 1 },
            |w| w.place.clone(),
        );
        ProfileError::Syntax {
            place,
            statement: self.statement.clone(),
            found: "the end of the profile".to_owned(),
            expected: expected.to_owned(),
        }
    }

    /// A word that is not what was expected.
    pub fn wrong(&self, word: &Word, expected: &str) -> ProfileError {
        let statement = self.statement.clone();
        let place = word.place.clone();
        if let Some((_, after)) = word.text.split_once('&') {
            let belongs = |c: &char| c.is_ascii_alphanumeric() || "@#$_".contains(*c);
            let name: String = after.chars().take_while(belongs).collect();
            return ProfileError::Symbol { place, statement, symbol: format!("&{name}"), name };
        }
        let found = format!("\"{}\"", word.text);
        ProfileError::Syntax { place, statement, found, expected: expected.to_owned() }
    }

    /// A number in a range.
    pub fn number(&mut self, least: u32, most: u32, what: &str) -> Result<u32, ProfileError> {
        let expected = format!("{what} from {least} to {most}");
        let word = self.need(&expected)?;
        word.text
            .parse()
            .ok()
            .filter(|n| (least..=most).contains(n))
            .ok_or_else(|| self.wrong(word, &expected))
    }

    /// An address, with a prefix length or without, if the next word is one. The
    /// length is given as it stands there.
    pub fn address(&mut self) -> Option<(IpAddr, Option<u8>)> {
        let found = address(&self.peek()?.text)?;
        self.at += 1;
        Some(found)
    }

    /// An address, which has to be there.
    pub fn need_address(&mut self, expected: &str) -> Result<(IpAddr, Option<u8>), ProfileError> {
        let word = self.need(expected)?;
        address(&word.text).ok_or_else(|| self.wrong(word, expected))
    }
}

/// `ADDR` or `ADDR/BITS`.
fn address(text: &str) -> Option<(IpAddr, Option<u8>)> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = match address.parse() {
        Ok(address) => address,
        Err(_) => zeros(address)?.into(),
    };
    let most = if address.is_ipv4() { 32 } else { 128 };
    bits.is_none_or(|b| b <= most).then_some((address, bits))
}

/// An IPv4 address whose numbers have leading zeros: they are decimal on z/OS.
fn zeros(text: &str) -> Option<Ipv4Addr> {
    let mut numbers = text.split('.').map(|part| {
        let digits = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<u8>().ok().filter(|_| digits)
    });
    let mut next = || numbers.next().flatten();
    let address = Ipv4Addr::new(next()?, next()?, next()?, next()?);
    numbers.next().is_none().then_some(address)
}

/// The length of a subnet mask, if an address is one.
pub(super) fn mask_bits(address: IpAddr) -> Option<u8> {
    let IpAddr::V4(mask) = address else { return None };
    let mask = u32::from(mask);
    let bits = mask.leading_ones();
    let all = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    (mask == all && bits >= 1).then(|| u8::try_from(bits).unwrap_or(32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_zos_does() {
        let is = |text: &str| address(text).map(|(a, b)| (a.to_string(), b));
        assert_eq!(is("10.1.1.1"), Some(("10.1.1.1".to_owned(), None)));
        assert_eq!(is("009.067.040.002"), Some(("9.67.40.2".to_owned(), None)));
        assert_eq!(is("10.1.1.1/24"), Some(("10.1.1.1".to_owned(), Some(24))));
        assert_eq!(is("2001:DB8::1/128"), Some(("2001:db8::1".to_owned(), Some(128))));
        for wrong in
            ["10.1.1", "10.1.1.256", "10.1.1.1/33", "LNK1", "::1/129", "1.2.3.4.5", "10.1.1.1/"]
        {
            assert_eq!(is(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn masks_are_ones_and_then_zeros() {
        let bits = |text: &str| mask_bits(text.parse().expect("an address"));
        assert_eq!(
            [bits("255.255.255.0"), bits("255.255.255.255"), bits("128.0.0.0")],
            [Some(24), Some(32), Some(1)]
        );
        assert_eq!(
            [bits("10.1.1.1"), bits("255.0.255.0"), bits("0.0.0.0"), bits("ff::")],
            [None; 4]
        );
    }
}
