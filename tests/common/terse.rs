//! An encoder of TERSE's PACK method, for tests: as the description of the format says, a
//! decoder that is followed, with the longest phrase that matches.

#![allow(dead_code, reason = "every test uses a part")]

use std::collections::HashMap;

/// Packs records of variable length.
pub fn pack(records: &[&[u8]]) -> Vec<u8> {
    let mut symbols: Vec<u16> = Vec::new();
    for record in records {
        symbols.extend(record.iter().map(|byte| u16::from(*byte) + 1));
        symbols.push(257);
    }
    packed([2, 1, 0x7F, 0xF4], &symbols, true)
}

/// Packs bytes as records of 80 bytes.
pub fn pack_fixed(bytes: &[u8]) -> Vec<u8> {
    let symbols: Vec<u16> = bytes.iter().map(|byte| u16::from(*byte) + 1).collect();
    packed([2, 0, 0, 80], &symbols, true)
}

/// The same without what ends it: the code, and what fills the last record.
pub fn pack_without_end(bytes: &[u8]) -> Vec<u8> {
    let symbols: Vec<u16> = bytes.iter().map(|byte| u16::from(*byte) + 1).collect();
    packed([2, 0, 0, 80], &symbols, false)
}

fn packed(head: [u8; 4], symbols: &[u16], ends: bool) -> Vec<u8> {
    let mut codes = codes(symbols);
    if ends {
        codes.push(0);
    }
    let mut out = head.to_vec();
    out.extend([0x0C, 0, 0x6D, 0x5E, 0, 0, 0, 0]);
    for pair in codes.chunks(2) {
        let (one, two) = (pair[0], pair.get(1).copied().unwrap_or(0));
        out.extend([(one >> 4) as u8, (one << 4) as u8 | (two >> 8) as u8, two as u8]);
    }
    if !ends {
        // The last byte has no code where their number is odd.
        out.truncate(out.len() - codes.len() % 2);
        return out;
    }
    // AMATERSE writes records of 1,024 bytes, and leaves in the last what was there.
    out.resize(out.len().next_multiple_of(1024), 0xA5);
    out
}

fn codes(symbols: &[u16]) -> Vec<u16> {
    const NODES: std::ops::RangeInclusive<u16> = 258..=4095;
    // The ring of phrases by use, the latest first; 0 is before the first.
    let (mut next, mut before) = (vec![0u16; 4096], vec![0u16; 4096]);
    let mut key = vec![(0u16, 0u16); 4096];
    let mut nodes: HashMap<(u16, u16), u16> = HashMap::new();
    let mut last = 0;
    for node in NODES {
        (next[usize::from(last)], before[usize::from(node)]) = (node, last);
        last = node;
        key[usize::from(node)] = (if node == 258 { 65 } else { node - 1 }, 65);
        nodes.insert(key[usize::from(node)], node);
    }
    before[0] = last;
    let mut open: Option<(u16, u16)> = None;
    let mut out = Vec::new();
    let mut at = 0;
    while at < symbols.len() {
        let tail = before[0];
        if let Some((node, father)) = open.take() {
            key[usize::from(node)] = (father, symbols[at]);
            nodes.entry((father, symbols[at])).or_insert(node);
        }
        let (mut code, mut path) = (symbols[at], Vec::new());
        at += 1;
        while let Some(&node) = symbols.get(at).and_then(|symbol| nodes.get(&(code, *symbol))) {
            if node == tail {
                break;
            }
            (code, at) = (node, at + 1);
            path.push(node);
        }
        out.push(code);
        if nodes.get(&key[usize::from(tail)]) == Some(&tail) {
            nodes.remove(&key[usize::from(tail)]);
        }
        let mut front = |node: u16| {
            let (b, n) = (before[usize::from(node)], next[usize::from(node)]);
            (next[usize::from(b)], before[usize::from(n)]) = (n, b);
            let first = next[0];
            (next[usize::from(node)], before[usize::from(node)]) = (first, 0);
            (before[usize::from(first)], next[0]) = (node, node);
        };
        front(tail);
        path.iter().rev().for_each(|node| front(*node));
        open = Some((tail, code));
    }
    out
}
