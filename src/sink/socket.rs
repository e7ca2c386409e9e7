//! Lines sent to somebody who listens on a socket, by a thread of its own: one who is
//! slow or gone loses lines, and holds up nobody.

use std::io::{self, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Lines that wait.
const WAITING: usize = 65_536;
/// How long it is waited before somebody is called again.
const RETRY: Duration = Duration::from_secs(2);
/// How long one write may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long what is left may take at the end.
const FAREWELL: Duration = Duration::from_secs(2);

/// Where somebody listens: `unix:PATH` or `tcp:HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A Unix-domain stream socket.
    Unix(PathBuf),
    /// Host and port of TCP.
    Tcp(String),
}

impl FromStr for Address {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.split_once(':') {
            Some(("unix", path)) if !path.is_empty() => Ok(Self::Unix(path.into())),
            Some(("tcp", place)) if place.contains(':') => Ok(Self::Tcp(place.to_owned())),
            _ => Err(()),
        }
    }
}

impl Address {
    fn call(&self) -> io::Result<Box<dyn Write>> {
        match self {
            Self::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_write_timeout(Some(PATIENCE))?;
                Ok(Box::new(stream))
            }
            Self::Tcp(place) => {
                let stream = TcpStream::connect(place.as_str())?;
                stream.set_write_timeout(Some(PATIENCE))?;
                Ok(Box::new(stream))
            }
        }
    }
}

/// Sends lines.
#[derive(Debug)]
pub struct LineSocket {
    lines: Option<SyncSender<Vec<u8>>>,
    lost: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl LineSocket {
    /// Calls an address, again and again if it has to be.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn start(address: Address) -> io::Result<Self> {
        let (sender, lines) = sync_channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let of_thread = Arc::clone(&lost);
        let thread = thread::Builder::new()
            .name("lines".to_owned())
            .spawn(move || send(&address, &lines, &of_thread))?;
        Ok(Self { lines: Some(sender), lost, thread: Some(thread) })
    }

    /// Lets a line wait to be sent; where there is no room it is lost.
    pub fn line(&self, line: &[u8]) {
        let sent = self.lines.as_ref().is_some_and(|l| l.try_send(line.to_vec()).is_ok());
        if !sent {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lines that were lost.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Drop for LineSocket {
    /// What waits is still sent, within two seconds.
    fn drop(&mut self) {
        self.lines = None;
        let until = Instant::now() + FAREWELL;
        if let Some(thread) = self.thread.take() {
            while !thread.is_finished() && Instant::now() < until {
                thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

fn send(address: &Address, lines: &Receiver<Vec<u8>>, lost: &AtomicU64) {
    let mut end: Option<Box<dyn Write>> = None;
    let mut buffer: Vec<u8> = Vec::new();
    let mut held = 0;
    loop {
        if end.is_none() {
            end = address.call().ok();
        }
        let Some(to) = &mut end else {
            // Meanwhile lines wait, and are lost when there is no more room.
            thread::sleep(RETRY);
            match lines.recv_timeout(Duration::ZERO) {
                Ok(line) => {
                    buffer.extend_from_slice(&line);
                    held += 1;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    lost.fetch_add(held, Ordering::Relaxed);
                    return;
                }
            }
            continue;
        };
        if buffer.is_empty() {
            let Ok(line) = lines.recv() else { return };
            buffer.extend_from_slice(&line);
            held += 1;
            while buffer.len() < 65_536
                && let Ok(line) = lines.try_recv()
            {
                buffer.extend_from_slice(&line);
                held += 1;
            }
        }
        if to.write_all(&buffer).is_err() {
            // It is not known which of them have arrived, so none is sent twice.
            lost.fetch_add(held, Ordering::Relaxed);
            end = None;
        }
        buffer.clear();
        held = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::os::unix::net::UnixListener;

    #[test]
    fn addresses_say_what_they_are() {
        assert_eq!("unix:/a/b".parse(), Ok(Address::Unix("/a/b".into())));
        assert_eq!("tcp:localhost:7".parse(), Ok(Address::Tcp("localhost:7".to_owned())));
        for wrong in ["a.jsonl", "-", "tcp:7", "unix:"] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn lines_arrive_in_order() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("socket");
        let listener = UnixListener::bind(&path).expect("a socket");
        let socket = LineSocket::start(Address::Unix(path)).expect("started");
        for n in 0..100 {
            socket.line(format!("{n}\n").as_bytes());
        }
        let (stream, _) = listener.accept().expect("a call");
        let lost = Arc::clone(&socket.lost);
        drop(socket);
        let lines: Vec<String> = BufReader::new(stream).lines().map(|l| l.expect("text")).collect();
        let expected: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        assert_eq!((lines, lost.load(Ordering::Relaxed)), (expected, 0));
    }
}
