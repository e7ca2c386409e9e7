//! What a connection's observer is shown, and what becomes of what it says.

use super::connection::{Connection, Context, SegmentPosition, Stream, side};
use crate::config::Mode;
use crate::flow::Dir;
use crate::observe::certificate::Certificates;
use crate::observe::tls::CloseWatch;
use crate::observe::upgrade::Kind;
use crate::observe::{Observer, Progress, Side, may_begin};
use crate::stream::{Piece, Reassembler};

impl Connection {
    /// Shows a segment to the observer, if it has one or begins something; returns
    /// whether it was shown.
    pub(super) fn observe(
        &mut self,
        dir: Dir,
        place: SegmentPosition,
        payload: &[u8],
        clock: i64,
        context: &mut Context,
    ) -> bool {
        let begins = place.fresh && may_begin(payload);
        let opener = side(self.life.client().unwrap_or(dir));
        if !self.observed {
            if !self.watching && self.life.start_seen() {
                self.begin(Observer::from_start(opener));
            } else if begins {
                self.begin(Observer::midstream(opener));
            } else {
                self.watching = true;
                return false;
            }
        }
        let Some(observer) = &mut self.observer else { return false };
        let side = side(dir);
        if !observer.follows(side) && !begins {
            return false;
        }
        if let Some(server) = observer.awaits_acknowledgment() {
            let of = if server == Side::Low { Dir::FromLow } else { Dir::FromHigh };
            let positions = of.of(&self.streams).positions();
            if let (Some(positions), Some(to)) = (positions, self.life.acknowledged(of)) {
                observer.acknowledged(server, positions.position(to));
            }
        }
        let slot = dir.of_mut(&mut self.reassemblers);
        let past = |r: &mut Box<Reassembler>| r.position() > place.start;
        if begins && observer.is_watching(side) && slot.as_mut().is_some_and(past) {
            // Some hosts send padding as payload and then the hello over it.
            // Where a handshake begins is where reading begins.
            *slot = None;
        }
        let reassembler = slot.get_or_insert_with(|| {
            // From the first byte while the start of the direction is looked
            // at; later from where the bytes so far end, or where a handshake
            // begins.
            let from_start = self.life.first_byte(dir).is_some() && observer.is_at_start(side);
            let first = match place.before {
                _ if from_start => 0,
                Some(edge) if !begins => edge.min(place.start),
                _ => place.start,
            };
            Box::new(Reassembler::at(first))
        });
        let mut progress = Progress::Open;
        let mut unseen = false;
        reassembler.push(
            place.start,
            payload,
            place.length,
            clock,
            place.acknowledged,
            &mut |piece| {
                unseen |= matches!(piece, Piece::Hole(_)) && observer.follows(side);
                deliver(observer, side, piece, &mut context.certificates, &mut progress);
            },
        );
        *dir.of_mut(&mut self.unseen) |= unseen;
        self.note_history();
        for dir in [Dir::FromLow, Dir::FromHigh] {
            self.release_unless_followed(dir);
        }
        self.settle_progress(progress, context);
        self.count_held(context);
        true
    }

    /// Looks whether the data of a connection whose handshake may not have been captured are
    /// encrypted, until that is settled.
    pub(super) fn inspect(&mut self, dir: Dir, place: SegmentPosition, payload: &[u8]) {
        if self.life.start_seen() {
            let lacks = |s: &Stream| s.ranges.edge().is_some() && !s.ranges.seen_from_zero(1);
            if self.unseen == [false; 2] && !self.streams.iter().any(lacks) {
                // The beginning was seen: if it is no handshake's there is no question.
                self.inspected = !self.watching;
                return;
            }
        } else if !self.watching {
            return;
        }
        let ciphertext = self.ciphertext.get_or_insert_default();
        self.inspected = ciphertext.segment(side(dir), place.start, payload, place.length);
        self.encrypted = ciphertext.recognised();
        if !self.inspected {
            self.ciphertext = None;
        }
    }

    /// Notes what a clear dialogue shows.
    fn note_history(&mut self) {
        let Some(observer) = &mut self.observer else { return };
        if let Some(upgrade) = observer.upgrade() {
            let announcements = upgrade.announcements();
            let kind = upgrade.kind();
            if kind.is_some() || !announcements.is_empty() {
                let history = self.history.get_or_insert_default();
                history.application = kind;
                history.smc.clc = upgrade.clc().or(history.smc.clc);
                history.announcements.extend(announcements);
            }
        }
    }

    /// Gives the memory of a direction back that nobody reads any more.
    fn release_unless_followed(&mut self, dir: Dir) {
        if self.observer.as_ref().is_some_and(|o| !o.follows(side(dir))) {
            self.release(dir);
        }
    }

    /// Gives a reassembler's memory back.
    fn release(&mut self, dir: Dir) {
        if let Some(reassembler) = dir.of_mut(&mut self.reassemblers).take() {
            self.conflicts += reassembler.conflicts();
        }
        if let Some(observer) = &self.observer
            && !observer.follows(Side::Low)
            && !observer.follows(Side::High)
        {
            self.observer = None;
            self.observed = false;
            self.watching = true;
        }
    }

    pub(super) fn settle_progress(&mut self, progress: Progress, context: &Context) {
        match progress {
            Progress::Open => return,
            Progress::Protected => self.protected = true,
            // Another handshake may follow.
            Progress::Failed => self.watching = true,
        }
        self.failed = !self.protected;
        self.observed = false;
        if let Some(observer) = self.observer.take() {
            let finished = observer.finish();
            self.findings = Some(Box::new(finished.findings));
            let granted = finished.upgrade.as_ref().and_then(|u| u.granted());
            if let Some(upgrade) = finished.upgrade {
                self.history.get_or_insert_default().upgrade = Some(upgrade);
            }
            let before = finished.began.map(|at| at.unwrap_or(0).max(0).unsigned_abs());
            let clear_before = (self.life.start_seen() && before != [0; 2]).then_some(before);
            if self.history.is_some() || clear_before.is_some() {
                let history = self.history.get_or_insert_default();
                history.granted = granted;
                history.clear_before = clear_before;
            }
            if self.protected {
                self.protection_begins(granted, finished.watches, context);
            }
        }
        for dir in [Dir::FromLow, Dir::FromHigh] {
            self.release(dir);
        }
    }

    fn protection_begins(
        &mut self,
        granted: Option<Kind>,
        watches: [Option<CloseWatch>; 2],
        context: &Context,
    ) {
        if let Some(history) = &mut self.history {
            history.clear_again = None;
        }
        if context.mode == Mode::Strict {
            // A handshake in the middle of a connection is observed by z/OS
            // only where something has announced it.
            let from_start = self.history.as_ref().is_none_or(|c| c.clear_before.is_none());
            self.beyond_zos = !from_start && !granted.is_some_and(Kind::is_known_trigger);
            return;
        }
        for (stream, watch) in self.streams.iter_mut().zip(watches) {
            let edge = stream.ranges.edge().unwrap_or(0);
            stream.watch = watch.filter(|watch| watch.is_beyond(edge));
        }
    }
}

/// Shows a piece of a stream to the observer; the first progress counts.
pub(super) fn deliver(
    observer: &mut Observer,
    side: Side,
    piece: Piece<'_>,
    certificates: &mut Certificates,
    progress: &mut Progress,
) {
    match piece {
        Piece::Data(at, bytes) => {
            let now = observer.data(side, at, bytes, certificates);
            if *progress == Progress::Open {
                *progress = now;
            }
        }
        Piece::Hole(bytes) => observer.hole(side, bytes),
    }
}
