//! One client of a service: what waits for it, and the thread that sends it.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::wire::{self, BUFFER, Component, REQUEST, Request};

/// Bytes that wait for a client; beyond them entries are lost, and counted.
const WAITING: usize = 64 << 20;
/// How long a client has for its request, in all.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it is waited for more before a buffer that is not full is sent.
const QUIET: Duration = Duration::from_millis(50);
/// How often it is looked whether the client is still there.
const LOOK: Duration = Duration::from_secs(1);

/// What a client has asked for and what waits for it.
#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Arc<[u8]>>,
    bytes: usize,
    lost: u64,
    /// A list is asked for, and being made.
    awaits_list: bool,
    listing: bool,
    /// Records are sent as they are written, now or after the list.
    running: bool,
    after_list: bool,
    over: bool,
}

/// A client.
#[derive(Debug)]
pub(super) struct Client {
    stream: UnixStream,
    state: Mutex<State>,
    wake: Condvar,
    /// Whether its request has come.
    asked: AtomicBool,
}

impl Client {
    pub fn new(stream: UnixStream) -> io::Result<Self> {
        let asked = AtomicBool::new(false);
        Ok(Self { stream, state: Mutex::default(), wake: Condvar::new(), asked })
    }

    /// Whether its request has come.
    pub fn has_asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }

    /// The request. Who sends it byte by byte has no more time for it.
    fn request(&self) -> io::Result<[u8; REQUEST]> {
        let mut stream = &self.stream;
        let mut request = [0; REQUEST];
        let until = Instant::now() + PATIENCE;
        let mut rest = &mut request[..];
        while !rest.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            stream.set_read_timeout(Some(left))?;
            let read = match stream.read(rest) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Err(e) if e.kind() == ErrorKind::Interrupted => 0,
                other => other?,
            };
            rest = rest.get_mut(read..).unwrap_or_default();
        }
        self.asked.store(true, Ordering::Release);
        Ok(request)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it gets records as they are written.
    pub fn follows(&self) -> bool {
        self.state().running
    }

    /// Whether it gets the list that is being made.
    pub fn is_listed_to(&self) -> bool {
        self.state().listing
    }

    pub fn begin_list(&self) {
        let mut state = self.state();
        state.listing = std::mem::take(&mut state.awaits_list);
    }

    pub fn end_list(&self) {
        let mut state = self.state();
        if std::mem::take(&mut state.listing) {
            state.running = state.after_list;
        }
    }

    /// Lets an entry wait; `false` if there is no room for it.
    pub fn push(&self, entry: &Arc<[u8]>) -> bool {
        let mut state = self.state();
        if state.bytes + entry.len() > WAITING {
            state.lost += 1;
            return false;
        }
        state.bytes += entry.len();
        state.queue.push_back(Arc::clone(entry));
        drop(state);
        self.wake.notify_one();
        true
    }

    /// What waits is still sent, then the termination message.
    pub fn end(&self) {
        self.state().over = true;
        self.wake.notify_one();
    }

    /// Ends it at once.
    pub fn cut(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
        self.end();
    }

    /// Answers the request and sends what waits, to the end.
    pub fn serve(&self, component: Component, init: &[u8], list: &AtomicBool) -> io::Result<()> {
        let mut stream = &self.stream;
        let request = match Request::parse(&self.request()?, component) {
            Ok(request) => request,
            Err(error) => {
                stream.write_all(&wire::termination())?;
                return Err(io::Error::new(ErrorKind::InvalidData, error));
            }
        };
        stream.write_all(init)?;
        stream.set_read_timeout(Some(Duration::from_millis(1)))?;
        {
            let mut state = self.state();
            state.awaits_list = request.list;
            state.after_list = request.running;
            // Between the list and what follows it nothing is missing.
            state.running = request.running && !request.list;
        }
        if request.list {
            list.store(true, Ordering::Release);
        }
        loop {
            let (entries, lost, over) = self.wait();
            let nothing = entries.is_empty();
            if !nothing {
                stream.write_all(&wire::data(entries.iter().map(|e| &**e)))?;
            }
            if lost > 0 {
                stream.write_all(&wire::lost(lost))?;
            }
            if !nothing {
                continue;
            } else if over {
                return stream.write_all(&wire::termination());
            } else if is_gone(stream) {
                return Ok(());
            }
        }
    }

    /// Waits for a buffer of entries, or until it is time to look after the client.
    fn wait(&self) -> (Vec<Arc<[u8]>>, u64, bool) {
        let mut state = self.state();
        if state.queue.is_empty() && !state.over {
            let waited = self.wake.wait_timeout(state, LOOK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        while !state.queue.is_empty() && state.bytes < BUFFER && !state.over {
            let waited = self.wake.wait_timeout(state, QUIET);
            let (now, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = now;
            if timeout.timed_out() {
                break;
            }
        }
        let mut entries: Vec<Arc<[u8]>> = Vec::new();
        let mut length = 0;
        while let Some(entry) = state.queue.front()
            && (entries.is_empty() || length + entry.len() <= BUFFER - 16)
        {
            length += entry.len();
            entries.extend(state.queue.pop_front());
        }
        state.bytes -= length;
        (entries, std::mem::take(&mut state.lost), state.over)
    }
}

/// Whether a client has closed its end; it has nothing more to say.
fn is_gone(mut stream: &UnixStream) -> bool {
    match stream.read(&mut [0; 64]) {
        Ok(0) => true,
        Ok(_) => false,
        Err(error) => !matches!(
            error.kind(),
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
        ),
    }
}
