//! Records as they are written, for programs on the same host: Unix-domain stream
//! sockets with the names and messages of z/OS's SYSTCPER and SYSTCPES services.
//!
//! On z/OS a client is sent tokens and fetches buffers with a callable service. Here
//! it is sent the buffers themselves, in messages of their own kind, and is told
//! what was lost because it was too slow. Clients never hold up who publishes.

mod client;
pub mod descriptors;
pub mod wire;

use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::record::time::stck;
use client::Client;
pub use wire::{Component, Names};

/// Clients of one socket.
const MAX_CLIENTS: usize = 16;
/// Descriptors that the sockets of one stack and their clients may have.
pub const MOST_DESCRIPTORS: usize = 2 * (MAX_THREADS + 2);
/// Threads of one socket's clients, with those that are about to end.
const MAX_THREADS: usize = 2 * MAX_CLIENTS;
/// How long clients have to take what is left at the end.
const FAREWELL: Duration = Duration::from_secs(2);
/// Who may connect: the user and the group of the process.
const MODE: u32 = 0o660;

/// Why a socket cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The operating system said no.
    #[error("{}: {error}", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// Something else has the name.
    #[error("{}: exists and is no socket", .0.display())]
    NoSocket(PathBuf),
    /// Somebody answers there.
    #[error("{}: another program serves it", .0.display())]
    InUse(PathBuf),
    /// A stack without a name has no socket.
    #[error("a service needs the names of the stacks (--stack)")]
    Unnamed,
}

/// What is counted of all clients.
#[derive(Debug, Default)]
struct Counters {
    clients: AtomicUsize,
    lost: AtomicU64,
}

/// One socket.
#[derive(Debug)]
struct Socket {
    stack: usize,
    component: Component,
    path: PathBuf,
    init: Vec<u8>,
    clients: Mutex<Vec<Arc<Client>>>,
    /// Whether somebody waits for a list.
    list: Arc<AtomicBool>,
    counters: Arc<Counters>,
    over: AtomicBool,
    /// Threads of clients.
    threads: AtomicUsize,
}

/// The services of all stacks.
#[derive(Debug)]
pub struct Service {
    sockets: Vec<Arc<Socket>>,
    list: Arc<AtomicBool>,
    counters: Arc<Counters>,
}

impl Service {
    /// Makes the sockets of the stacks in a directory, and answers who connects.
    /// `started` is when the watch began, in nanoseconds since 1970.
    ///
    /// # Errors
    /// If a socket cannot be made.
    pub fn start(directory: &Path, stacks: &[Names], started: i64) -> Result<Self, ServiceError> {
        let mut service =
            Self { sockets: Vec::new(), list: Arc::default(), counters: Arc::default() };
        for (stack, names) in stacks.iter().enumerate() {
            if names.stack.is_empty() {
                return Err(ServiceError::Unnamed);
            }
            for component in Component::ALL {
                let path = directory.join(format!("{}.{}", component.name(), names.stack));
                let listener = listen(&path)?;
                let socket = Arc::new(Socket {
                    stack,
                    component,
                    init: wire::initialization(names, component, stck(started)),
                    clients: Mutex::default(),
                    list: Arc::clone(&service.list),
                    counters: Arc::clone(&service.counters),
                    over: AtomicBool::new(false),
                    threads: AtomicUsize::new(0),
                    path: path.clone(),
                });
                service.sockets.push(Arc::clone(&socket));
                thread::Builder::new()
                    .name(component.name().to_owned())
                    .spawn(move || socket.accept(&listener))
                    .map_err(|error| ServiceError::Io { path, error })?;
            }
        }
        Ok(service)
    }

    /// Passes a record on to those who asked for it. `now` is when it is written, in
    /// nanoseconds since 1970.
    pub fn publish(&self, stack: usize, subtype: u16, record: &[u8], now: i64) {
        if self.counters.clients.load(Ordering::Relaxed) > 0 {
            self.send(stack, subtype, record, now, Client::follows);
        }
    }

    /// Whether a client waits for a list; it is listed to from now on.
    pub fn wants_list(&self) -> bool {
        if !self.list.swap(false, Ordering::AcqRel) {
            return false;
        }
        self.each(|_, client| client.begin_list());
        true
    }

    /// An established connection, for those who asked for a list.
    pub fn listed(&self, stack: usize, record: &[u8], now: i64) {
        self.send(stack, Component::Detail.subtype(), record, now, Client::is_listed_to);
    }

    /// The list is complete.
    pub fn list_ends(&self) {
        self.each(|_, client| client.end_list());
    }

    /// Clients that are connected.
    pub fn clients(&self) -> usize {
        self.counters.clients.load(Ordering::Relaxed)
    }

    /// Records that were lost because clients were slow.
    pub fn lost(&self) -> u64 {
        self.counters.lost.load(Ordering::Relaxed)
    }

    fn send(
        &self,
        stack: usize,
        subtype: u16,
        record: &[u8],
        now: i64,
        to: impl Fn(&Client) -> bool,
    ) {
        let mut entry: Option<Arc<[u8]>> = None;
        for socket in &self.sockets {
            if socket.stack != stack || socket.component.subtype() != subtype {
                continue;
            }
            let Ok(clients) = socket.clients.lock() else { continue };
            for client in clients.iter().filter(|c| to(c)) {
                if entry.is_none() {
                    entry = wire::entry(socket.component, stck(now), record).map(Into::into);
                }
                let Some(entry) = &entry else { return };
                if !client.push(entry) {
                    self.counters.lost.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    fn each(&self, what: impl Fn(&Socket, &Client)) {
        for socket in &self.sockets {
            if let Ok(clients) = socket.clients.lock() {
                clients.iter().for_each(|client| what(socket, client));
            }
        }
    }
}

impl Drop for Service {
    /// Sends what is left and the termination message, within two seconds.
    fn drop(&mut self) {
        for socket in &self.sockets {
            socket.over.store(true, Ordering::Release);
            // Wakes who accepts.
            let _ = UnixStream::connect(&socket.path);
            let _ = fs::remove_file(&socket.path);
        }
        self.each(|_, client| client.end());
        let until = Instant::now() + FAREWELL;
        while self.counters.clients.load(Ordering::Relaxed) > 0 && Instant::now() < until {
            thread::sleep(Duration::from_millis(10));
        }
        self.each(|_, client| client.cut());
    }
}

impl Socket {
    fn accept(self: &Arc<Self>, listener: &UnixListener) {
        for stream in listener.incoming() {
            if self.over.load(Ordering::Acquire) {
                return;
            }
            let Ok(stream) = stream else {
                // Too many files are open; some may be closed soon.
                thread::sleep(Duration::from_millis(100));
                continue;
            };
            // Who made room may not have gone yet; more wait at the socket meanwhile.
            while self.threads.load(Ordering::Acquire) >= MAX_THREADS {
                thread::sleep(Duration::from_millis(1));
            }
            self.welcome(stream);
        }
    }

    fn welcome(self: &Arc<Self>, stream: UnixStream) {
        let Ok(mut clients) = self.clients.lock() else { return };
        // The last descriptors are for outputs.
        if !descriptors::leaves_room(stream.as_raw_fd()) {
            return;
        }
        if clients.len() >= MAX_CLIENTS {
            // Who has asked for nothing makes room for who may.
            let Some(silent) = clients.iter().position(|c| !c.has_asked()) else { return };
            clients.remove(silent).cut();
        }
        let Ok(client) = Client::new(stream) else { return };
        let client = Arc::new(client);
        let (socket, of_thread) = (Arc::clone(self), Arc::clone(&client));
        let started = thread::Builder::new().name("client".to_owned()).spawn(move || {
            // What goes wrong with a client ends it, and nothing else.
            let _ = of_thread.serve(socket.component, &socket.init, &socket.list);
            of_thread.cut();
            if let Ok(mut clients) = socket.clients.lock() {
                clients.retain(|c| !Arc::ptr_eq(c, &of_thread));
            }
            drop(of_thread);
            socket.counters.clients.fetch_sub(1, Ordering::Relaxed);
            socket.threads.fetch_sub(1, Ordering::Release);
        });
        if started.is_ok() {
            self.threads.fetch_add(1, Ordering::AcqRel);
            self.counters.clients.fetch_add(1, Ordering::Relaxed);
            clients.push(client);
        }
    }
}

/// Makes a socket, where nobody serves one.
fn listen(path: &Path) -> Result<UnixListener, ServiceError> {
    let wrong = |error| ServiceError::Io { path: path.to_owned(), error };
    match fs::symlink_metadata(path) {
        Ok(there) if !there.file_type().is_socket() => {
            return Err(ServiceError::NoSocket(path.to_owned()));
        }
        Ok(_) if UnixStream::connect(path).is_ok() => {
            return Err(ServiceError::InUse(path.to_owned()));
        }
        // It was left by a process that is no more.
        Ok(_) => fs::remove_file(path).map_err(wrong)?,
        Err(_) => {}
    }
    // Nobody else can connect before the mode is set.
    let before = nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o177));
    let listener = UnixListener::bind(path);
    nix::sys::stat::umask(before);
    let listener = listener.map_err(wrong)?;
    fs::set_permissions(path, fs::Permissions::from_mode(MODE)).map_err(wrong)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    /// Clients that ask for nothing, ask for nonsense or send byte by byte keep nobody out.
    #[test]
    fn silent_and_malformed_clients_make_room() {
        let dir = tempfile::tempdir().expect("a directory");
        let names = Names { stack: "TCPIP".to_owned(), ..Names::default() };
        let service = Service::start(dir.path(), &[names], 0).expect("started");
        let path = dir.path().join("SYSTCPER.TCPIP");
        let mut silent = Vec::new();
        for n in 0..300 {
            let mut stream = UnixStream::connect(&path).expect("connected");
            // Whoever is turned away cannot be written to.
            let _ = match n % 3 {
                0 => stream.write_all(&[0xFF; 4096]),
                1 => stream.write_all(&[0]),
                _ => Ok(()),
            };
            silent.push(stream);
        }
        let mut request = vec![0, 0, 0, 0x20, 0xE9, 0xC5, 0xD9, 0xE3, 0, 0, 0, 1, 0, 0, 0, 0];
        request.extend([0x40, 0, 0, 0]);
        request.resize(32, 0);
        let mut honest = UnixStream::connect(&path).expect("connected");
        honest.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        honest.write_all(&request).expect("sent");
        let mut answer = [0; 8];
        honest.read_exact(&mut answer).expect("an answer");
        // X'C9D5C9E3': the initialization record.
        assert_eq!(answer[4..], [0xC9, 0xD5, 0xC9, 0xE3]);
        assert!(service.clients() <= MAX_THREADS, "{}", service.clients());
        drop(silent);
    }
}
