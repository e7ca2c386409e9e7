//! A server of one text over HTTP/1.1, which no client can exhaust: one thread, few
//! connections, a bound on the bytes of a request and on the time for all of it.
//!
//! A connection is answered once and closed (RFC 9112 section 9.6). Where there is no
//! room for another, the one that has sent no whole request for longest is closed.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::service::descriptors;

/// Connections at once.
const MAX_CLIENTS: usize = 16;
/// Bytes of a request line and its header fields, and how many fields.
const MAX_HEAD: usize = 8192;
const MAX_FIELDS: usize = 64;
/// From the connection to the end of the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// What is still taken of a client that goes on sending, so that it reads the answer.
const MAX_DRAINED: usize = 64 * 1024;
/// How long nothing is accepted after the system had no descriptor for a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// Status code and reason.
    pub status: &'static str,
    pub body: String,
}

/// What a connection is about to do.
#[derive(Debug)]
enum State {
    Reading(Vec<u8>),
    Writing {
        answer: Vec<u8>,
        at: usize,
    },
    /// The answer is sent; what the client still sends is thrown away.
    Draining(usize),
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    state: State,
    until: Instant,
}

/// Answers requests for paths, for as long as the process lives. `answer` makes the
/// answer to a path.
///
/// # Errors
/// If the listener cannot be used at all.
pub(super) fn serve(
    listener: &TcpListener,
    mut answer: impl FnMut(&str) -> Answer,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut connections: Vec<Connection> = Vec::with_capacity(MAX_CLIENTS);
    loop {
        let mut polled = Vec::with_capacity(1 + MAX_CLIENTS);
        polled.push(PollFd::new(listener.as_fd(), PollFlags::POLLIN));
        for connection in &connections {
            let wanted = match connection.state {
                State::Writing { .. } => PollFlags::POLLOUT,
                State::Reading(_) | State::Draining(_) => PollFlags::POLLIN,
            };
            polled.push(PollFd::new(connection.stream.as_fd(), wanted));
        }
        let next = connections.iter().map(|c| c.until).min();
        let wait = next.map_or(PollTimeout::NONE, |until| {
            let left = until.saturating_duration_since(Instant::now()).as_millis() + 1;
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        match poll(&mut polled, wait) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            // Too little memory for a moment.
            Err(_) => std::thread::sleep(PAUSE),
        }
        let ready: Vec<bool> =
            polled.iter().map(|p| p.revents().is_some_and(|r| !r.is_empty())).collect();
        let now = Instant::now();
        let mut of_connections = ready.iter().skip(1);
        connections.retain_mut(|connection| {
            let ready = of_connections.next().is_some_and(|ready| *ready);
            (!ready || connection.step(&mut answer)) && connection.until > now
        });
        if ready.first() == Some(&true) {
            accept(listener, &mut connections);
        }
    }
}

fn accept(listener: &TcpListener, connections: &mut Vec<Connection>) {
    loop {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(e) if e.kind() == ErrorKind::WouldBlock => return,
            Err(e) if matches!(e.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {
                continue;
            }
            Err(_) => {
                std::thread::sleep(PAUSE);
                return;
            }
        };
        // The last descriptors are for outputs.
        if !descriptors::leaves_room(stream.as_raw_fd()) || stream.set_nonblocking(true).is_err() {
            continue;
        }
        if connections.len() >= MAX_CLIENTS {
            let reading = |c: &Connection| matches!(c.state, State::Reading(_));
            // In the order in which they came.
            let victim = connections.iter().position(reading).unwrap_or(0);
            connections.remove(victim);
        }
        let until = Instant::now() + PATIENCE;
        connections.push(Connection { stream, state: State::Reading(Vec::new()), until });
    }
}

impl Connection {
    /// Does what can be done without waiting; `false` if the connection is over.
    fn step(&mut self, answer: &mut impl FnMut(&str) -> Answer) -> bool {
        match self.advance(answer) {
            Ok(goes_on) => goes_on,
            Err(e) => matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
        }
    }

    fn advance(&mut self, answer: &mut impl FnMut(&str) -> Answer) -> io::Result<bool> {
        let mut bytes = [0; 2048];
        if let State::Reading(head) = &mut self.state {
            let read = self.stream.read(&mut bytes)?;
            if read == 0 {
                return Ok(false);
            }
            head.extend_from_slice(bytes.get(..read).unwrap_or_default());
            let Some(answer) = reply(head, answer) else { return Ok(true) };
            self.state = State::Writing { answer, at: 0 };
        }
        if let State::Writing { answer, at } = &mut self.state {
            while let Some(rest) = answer.get(*at..).filter(|rest| !rest.is_empty()) {
                *at += self.stream.write(rest)?;
            }
            self.stream.shutdown(Shutdown::Write)?;
            self.state = State::Draining(0);
        }
        if let State::Draining(drained) = &mut self.state {
            while *drained < MAX_DRAINED {
                let read = self.stream.read(&mut bytes)?;
                if read == 0 {
                    return Ok(false);
                }
                *drained += read;
            }
        }
        Ok(false)
    }
}

/// The answer to the bytes of a request so far; `None` if it is not whole.
fn reply(head: &[u8], answer: &mut impl FnMut(&str) -> Answer) -> Option<Vec<u8>> {
    let plain = |status, body: &str| Answer { status, body: format!("{body}\n") };
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    let too_large = "431 Request Header Fields Too Large";
    let (answer, with_body) = match request.parse(head) {
        Ok(httparse::Status::Partial) if head.len() < MAX_HEAD => return None,
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            (plain(too_large, "the request is too long"), true)
        }
        Err(_) => (plain("400 Bad Request", "this is no HTTP"), true),
        Ok(httparse::Status::Complete(_)) => match request.method {
            Some("GET") => (answer(request.path.unwrap_or_default()), true),
            Some("HEAD") => (answer(request.path.unwrap_or_default()), false),
            _ => (plain("405 Method Not Allowed", "GET and HEAD only"), true),
        },
    };
    let Answer { status, body } = answer;
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Length: {}\r\nAllow: GET, HEAD\r\nConnection: close\r\n\r\n",
        body.len()
    );
    if with_body {
        bytes.push_str(&body);
    }
    Some(bytes.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    fn start() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        std::thread::spawn(move || {
            serve(&listener, |path| match path {
                "/metrics" => Answer { status: "200 OK", body: "a 1\n".to_owned() },
                _ => Answer { status: "404 Not Found", body: String::new() },
            })
        });
        address
    }

    fn connect(address: SocketAddr) -> TcpStream {
        let stream = TcpStream::connect(address).expect("connected");
        stream.set_read_timeout(Some(2 * PATIENCE)).expect("a timeout");
        stream
    }

    fn answered(mut stream: TcpStream) -> String {
        let mut text = Vec::new();
        // What was read before a reset counts.
        let _ = stream.read_to_end(&mut text);
        String::from_utf8(text).expect("text")
    }

    fn ask(address: SocketAddr, request: &[u8]) -> String {
        let mut stream = connect(address);
        stream.write_all(request).expect("sent");
        answered(stream)
    }

    const GET: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";

    #[test]
    fn requests_are_answered_by_what_they_are() {
        let address = start();
        for (request, status) in [
            (GET, "200 OK"),
            (b"GET /metrics HTTP/1.0\r\n\r\n", "200 OK"),
            (b"GET /else HTTP/1.1\r\n\r\n", "404 Not Found"),
            (b"POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "405 Method"),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "400 Bad Request"),
            (b"GET /metrics SPDY/9\r\n\r\n", "400 Bad Request"),
        ] {
            let answer = ask(address, request);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        }
        assert!(ask(address, GET).ends_with("\r\n\r\na 1\n"));
        let head = ask(address, b"HEAD /metrics HTTP/1.1\r\n\r\n");
        assert!(head.contains("Content-Length: 4") && head.ends_with("\r\n\r\n"), "{head}");
    }

    #[test]
    fn an_endless_header_is_refused_after_few_bytes() {
        let address = start();
        for part in [&b"A"[..], b"X: y\r\n"] {
            let mut stream = connect(address);
            stream.write_all(b"GET /metrics HTTP/1.1\r\nX: ").expect("sent");
            // 64 MB, of which next to nothing is taken.
            let mut sent = 0;
            let block = part.repeat(65_536 / part.len());
            while sent < 64 << 20 && stream.write_all(&block).is_ok() {
                sent += block.len();
            }
            assert!(sent < 16 << 20, "{sent} bytes were taken");
            assert!(ask(address, GET).ends_with("a 1\n"));
        }
    }

    #[test]
    fn idle_and_slow_clients_keep_nobody_out_and_are_closed() {
        let address = start();
        let mut idle: Vec<TcpStream> = Vec::new();
        for n in 0..400 {
            let mut stream = connect(address);
            if n % 2 == 0 {
                stream.write_all(b"GET /metrics HTTP/1.1\r\n").expect("sent");
            }
            idle.push(stream);
            if n % 50 == 49 {
                assert!(ask(address, GET).ends_with("a 1\n"), "after {n}");
            }
        }
        // Who sends a byte now and then has no more time than others.
        let mut slow = idle.pop().expect("the last one");
        let began = Instant::now();
        while slow.write_all(b"G").is_ok() && began.elapsed() < 3 * PATIENCE {
            std::thread::sleep(Duration::from_millis(200));
        }
        assert!(began.elapsed() < 2 * PATIENCE, "{:?}", began.elapsed());
        assert!(idle.into_iter().all(|stream| answered(stream).is_empty()));
        assert!(ask(address, GET).ends_with("a 1\n"));
    }
}
