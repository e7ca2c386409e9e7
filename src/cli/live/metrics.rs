//! Metrics over HTTP, by a thread of their own.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;

use super::http::{self, Answer};
use crate::policy::Policy;
use crate::sink::metrics::Metrics;
use crate::sink::report::Row;
use crate::sink::traffic::Traffic;

/// How often the numbers are made anew.
const EVERY: Duration = Duration::from_secs(1);
/// How often connections under way are looked at, at the most.
const LOOK: Duration = Duration::from_secs(5);
/// The part of the time that looking at them may take: one in so many.
const SHARE: u32 = 20;

/// Connections by server and job for the metrics.
#[derive(Default)]
pub(super) struct TrafficWatch {
    pub traffic: Traffic,
    asked: Option<Instant>,
    due: Option<Instant>,
}

impl TrafficWatch {
    /// Whether it is time to look at connections under way again.
    pub fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let is_due = self.due.is_none_or(|due| now >= due);
        if is_due {
            self.asked = Some(now);
            self.traffic.begin();
        }
        is_due
    }

    /// A connection under way, where that was asked.
    pub fn open(&mut self, row: &Row, policy: &Policy) {
        if self.asked.is_some() {
            self.traffic.open(row, policy);
        }
    }

    /// All connections under way were told.
    pub fn end(&mut self) {
        if let Some(asked) = self.asked.take() {
            self.due = Some(Instant::now() + LOOK.max(asked.elapsed() * SHARE));
        }
    }
}

/// The server.
pub(super) struct MetricsServer {
    text: Arc<Mutex<String>>,
    updated: Instant,
    pub started: u64,
    pub watched: TrafficWatch,
}

impl MetricsServer {
    /// Listens at an address.
    ///
    /// # Errors
    /// If it cannot be had.
    pub fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
        TcpListener::bind(address).with_context(|| format!("metrics at {address}"))
    }

    /// Answers who connects.
    ///
    /// # Errors
    /// If no thread can be started for it.
    pub fn start(listener: TcpListener) -> anyhow::Result<Self> {
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let first = Metrics { started, ..Metrics::default() }.text();
        let text = Arc::new(Mutex::new(first));
        let served = Arc::clone(&text);
        let answer = move |path: &str| match path {
            "/metrics" | "/" => Answer {
                status: "200 OK",
                body: served.lock().map(|text| text.clone()).unwrap_or_default(),
            },
            _ => Answer { status: "404 Not Found", body: "metrics are at /metrics\n".to_owned() },
        };
        std::thread::Builder::new().name("metrics".to_owned()).spawn(move || {
            if let Err(error) = http::serve(&listener, answer) {
                tracing::error!("metrics are not served: {error}");
            }
        })?;
        Ok(Self { text, updated: Instant::now(), started, watched: TrafficWatch::default() })
    }

    /// Whether the numbers are old.
    pub fn is_due(&self) -> bool {
        self.updated.elapsed() >= EVERY
    }

    /// Takes new numbers.
    pub fn update(&mut self, metrics: &Metrics) {
        self.updated = Instant::now();
        if let Ok(mut text) = self.text.lock() {
            *text = metrics.text();
        }
    }
}
