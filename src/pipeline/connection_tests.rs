//! The fast path of a segment compared with the slow one.

use super::*;
use crate::frame::Identity;
use proptest::prelude::*;

const HELLO: &[u8] = &[22, 3, 1, 0, 4, 1, 0, 0, 0];

fn context() -> Context {
    Context { certificates: Certificates::default(), mode: Mode::Extended, held: 0 }
}

proptest! {
    /// What takes the fast path leaves the connection as the slow path does, and has
    /// no effect there.
    #[test]
    fn the_fast_path_leads_to_the_same(
        (opens, protected) in (any::<bool>(), any::<bool>()),
        segments in prop::collection::vec(
            (any::<bool>(), prop_oneof![6 => Just(0i32), 1 => -9i32..9], 0usize..12,
             prop_oneof![9 => Just(flag::ACK), 1 => 0u8..32], any::<bool>()),
            0..40,
        ),
    ) {
        let settings = Arc::new(Settings::default());
        let new = || Connection::new(Arc::clone(&settings), 0, 0, (0, 0));
        let (mut short, mut long) = (new(), new());
        let (mut short_context, mut long_context) = (context(), context());
        let mut next = [100u32, u32::MAX - 20];
        let mut taken = Vec::new();
        if opens {
            taken.extend([(Dir::FromLow, 0, 0, flag::SYN, false), (Dir::FromHigh, 0, 0, flag::SYN | flag::ACK, false)]);
        }
        taken.extend(segments.into_iter().map(|(low, off, length, flags, hello)| {
            (if low { Dir::FromLow } else { Dir::FromHigh }, off, length, flags, hello)
        }));
        for (n, (dir, off, length, flags, hello)) in (1..).zip(taken) {
            let arena: Vec<u8> = if hello { HELLO.to_vec() } else { b"GET / HTTP/1.1".to_vec() };
            let length = u32::try_from(length.min(arena.len())).unwrap_or(0);
            let seq = dir.of(&next).wrapping_add_signed(off);
            let ack = *dir.other().of(&next);
            let window = 500;
            let segment = Segment { seq, ack, flags, options: 0, window, payload: 0, captured: length, length, identity: Identity::default() };
            let ends = seq.wrapping_add(length).wrapping_add(u32::from(flags & flag::SYN != 0));
            *dir.of_mut(&mut next) = ends;
            let payload = segment.payload(&arena);
            let effect = long.segment(dir, &segment, payload, n, n, &mut long_context);
            if short.fast_segment(dir, &segment, &arena, n, n) {
                prop_assert_eq!(effect, Effect::default());
            } else {
                short.segment(dir, &segment, payload, n, n, &mut short_context);
            }
            if protected && n == 5 {
                (short.protected, long.protected) = (true, true);
            }
            prop_assert_eq!(format!("{short:?}"), format!("{long:?}"));
        }
    }
}
