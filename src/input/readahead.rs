//! A reader that works on a thread of its own, a few blocks ahead: decompression takes
//! longer than all that is done with what comes out of it.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

/// Bytes of a block.
const BLOCK: usize = 256 * 1024;
/// Blocks that may wait.
const BLOCKS: usize = 4;
/// Blocks that may wait of a file whose turn is to come: 64 MiB.
const BLOCKS_BEFORE: usize = 256;

/// What comes from the thread: a block, empty at the end.
type BlockResult = io::Result<Vec<u8>>;

/// A reader that goes on ahead of whom it is read by, once it is clear that much is
/// wanted of it.
pub(super) struct ReadAhead(State);

enum State {
    /// Read as it is, so many bytes so far.
    Here(Box<dyn Read + Send>, usize),
    /// Read on a thread.
    There(Thread),
    /// Between the two.
    Ended,
}

struct Thread {
    blocks: Receiver<BlockResult>,
    /// Blocks that were read go back.
    free: Sender<Vec<u8>>,
    block: Vec<u8>,
    at: usize,
    ended: bool,
}

impl ReadAhead {
    /// Reads from another reader: the first block as it is, because of many files only
    /// the beginning is looked at.
    pub fn new(reader: Box<dyn Read + Send>) -> Self {
        Self(State::Here(reader, 0))
    }

    /// Reads from another reader on a thread of its own at once, until there is much.
    pub fn before(reader: Box<dyn Read + Send>) -> Self {
        Self(Thread::start(reader, BLOCKS_BEFORE))
    }
}

impl Thread {
    /// Starts reading on a thread. Where none can be had the reader is read as it is.
    fn start(reader: Box<dyn Read + Send>, blocks: usize) -> State {
        let (blocks, came) = sync_channel(blocks);
        let (free, back) = channel();
        // A thread that cannot be started would take the reader with it.
        let (hand, take) = sync_channel(1);
        let thread = std::thread::Builder::new().name("decompress".to_owned());
        let started = thread.spawn(move || {
            if let Ok(reader) = take.recv() {
                read(reader, &blocks, &back);
            }
        });
        if started.is_err() {
            return State::Here(reader, 0);
        }
        match hand.send(reader) {
            Ok(()) => {
                State::There(Self { blocks: came, free, block: Vec::new(), at: 0, ended: false })
            }
            Err(unsent) => State::Here(unsent.0, 0),
        }
    }

    /// The next block; an empty one at the end.
    fn next(&mut self) -> io::Result<()> {
        let empty = std::mem::take(&mut self.block);
        // Nobody takes it any more at the end.
        let _ = self.free.send(empty);
        self.at = 0;
        match self.blocks.recv() {
            Ok(Ok(block)) => {
                self.ended = block.is_empty();
                self.block = block;
                Ok(())
            }
            Ok(Err(error)) => {
                self.ended = true;
                Err(error)
            }
            Err(_) => {
                self.ended = true;
                Err(io::Error::other("the thread that decompresses has ended"))
            }
        }
    }
}

/// Reads to the end, or until nobody listens.
fn read(
    mut reader: Box<dyn Read + Send>,
    blocks: &SyncSender<BlockResult>,
    back: &Receiver<Vec<u8>>,
) {
    loop {
        let mut block: Vec<u8> = back.try_recv().unwrap_or_default();
        block.resize(BLOCK, 0);
        let mut filled = 0;
        let mut failed = None;
        while let Some(room) = block.get_mut(filled..).filter(|room| !room.is_empty()) {
            match reader.read(room) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        block.truncate(filled);
        let over = filled < BLOCK;
        // What was good before an error goes before it.
        let gone = (filled > 0 || failed.is_none()) && blocks.send(Ok(block)).is_err();
        if gone {
            return;
        }
        match failed {
            Some(error) => {
                let _ = blocks.send(Err(error));
                return;
            }
            None if over => {
                if filled > 0 {
                    let _ = blocks.send(Ok(Vec::new()));
                }
                return;
            }
            None => {}
        }
    }
}

impl Read for ReadAhead {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            match &mut self.0 {
                State::Here(reader, so_far) if *so_far < BLOCK => {
                    let n = reader.read(out)?;
                    *so_far += n;
                    return Ok(n);
                }
                State::Here(..) => {
                    if let State::Here(reader, _) = std::mem::replace(&mut self.0, State::Ended) {
                        self.0 = Thread::start(reader, BLOCKS);
                    }
                }
                State::There(thread) => return thread.read(out),
                State::Ended => return Ok(0),
            }
        }
    }
}

impl Read for Thread {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        if self.at == self.block.len() {
            if self.ended {
                return Ok(0);
            }
            self.next()?;
        }
        let ready = self.block.get(self.at..).unwrap_or_default();
        let n = ready.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..n), ready.get(..n)) {
            to.copy_from_slice(from);
        }
        self.at += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives bytes in pieces, and then an error if there is one.
    struct ChunkReader(Vec<u8>, usize, Option<io::ErrorKind>);

    impl Read for ChunkReader {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty()
                && let Some(kind) = self.2.take()
            {
                return Err(kind.into());
            }
            let n = self.1.min(out.len()).min(self.0.len());
            out[..n].copy_from_slice(&self.0[..n]);
            self.0.drain(..n);
            Ok(n)
        }
    }

    #[test]
    fn all_bytes_come_in_order_and_then_the_error() {
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK] {
            let bytes: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            for error in [None, Some(io::ErrorKind::InvalidData)] {
                for how in [ReadAhead::new, ReadAhead::before] {
                    let mut ahead = how(Box::new(ChunkReader(bytes.clone(), 100_000, error)));
                    let mut all = Vec::new();
                    let end = ahead.read_to_end(&mut all);
                    assert!(all == bytes, "{length}");
                    assert_eq!(end.err().map(|e| e.kind()), error, "{length}");
                    assert!(ahead.read(&mut [0; 9]).is_ok_and(|n| n == 0));
                }
            }
        }
    }

    #[test]
    fn it_may_be_left_before_the_end() {
        for how in [ReadAhead::new, ReadAhead::before] {
            let mut ahead = how(Box::new(io::repeat(7)));
            let mut some = [0; 10];
            ahead.read_exact(&mut some).expect("there is more");
            assert_eq!(some, [7; 10]);
        }
    }
}
