//! The fuzz targets over their corpora, and over mutations of them from fixed
//! seeds: what a fuzzer does, for machines without one.

#[path = "../fuzz/drivers.rs"]
mod drivers;

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Mutations of each corpus; FUZZ_CASES asks for more.
fn cases() -> u32 {
    std::env::var("FUZZ_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(2000)
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let entries = fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let mut files: Vec<_> = entries.flatten().map(|e| e.path()).collect();
    files.sort();
    files.iter().map(|f| fs::read(f).expect("a seed")).collect()
}

/// What is done to a seed, at places in thousandths of its length.
#[derive(Clone, Debug)]
enum Change {
    CaptureSet(usize, u8),
    Flip(usize, u8),
    Cut(usize),
    Remove(usize, usize),
    Repeat(usize, usize),
    Insert(usize, Vec<u8>),
}

fn change() -> impl Strategy<Value = Change> {
    let at = 0usize..1000;
    prop_oneof![
        (at.clone(), any::<u8>()).prop_map(|(a, b)| Change::CaptureSet(a, b)),
        (at.clone(), 0u8..8).prop_map(|(a, b)| Change::Flip(a, b)),
        at.clone().prop_map(Change::Cut),
        (at.clone(), 1usize..64).prop_map(|(a, n)| Change::Remove(a, n)),
        (at.clone(), 1usize..64).prop_map(|(a, n)| Change::Repeat(a, n)),
        (at, prop::collection::vec(any::<u8>(), 1..16)).prop_map(|(a, b)| Change::Insert(a, b)),
    ]
}

fn apply(seed: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut data = seed.to_vec();
    for change in changes {
        let place = |thousandths: usize| data.len() * thousandths / 1000;
        match change {
            Change::CaptureSet(a, b) => {
                let at = place(*a);
                data[at..].first_mut().into_iter().for_each(|x| *x = *b);
            }
            Change::Flip(a, b) => {
                let at = place(*a);
                data[at..].first_mut().into_iter().for_each(|x| *x ^= 1 << b);
            }
            Change::Cut(a) => data.truncate(place(*a)),
            Change::Remove(a, n) => {
                let at = place(*a);
                data.drain(at..(at + n).min(data.len()));
            }
            Change::Repeat(a, n) => {
                let at = place(*a);
                let piece = data[at..(at + n).min(data.len())].to_vec();
                data.splice(at..at, piece);
            }
            Change::Insert(a, bytes) => {
                let at = place(*a);
                data.splice(at..at, bytes.iter().copied());
            }
        }
    }
    data
}

#[test]
fn every_target_takes_its_corpus_and_mutations_of_it() {
    for (name, target) in drivers::TARGETS {
        let corpus = corpus(name);
        assert!(corpus.len() >= 3, "{name}: {} seeds", corpus.len());
        for seed in &corpus {
            target(seed);
        }
        let config = Config { cases: cases(), failure_persistence: None, ..Config::default() };
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let mut runner = TestRunner::new_with_rng(config, rng);
        let changes = prop::collection::vec(change(), 0..8);
        runner
            .run(&(0..corpus.len(), changes), |(seed, changes)| {
                target(&apply(&corpus[seed], &changes));
                Ok(())
            })
            .unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}
