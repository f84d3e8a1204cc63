use super::*;
use std::collections::BTreeMap;

fn drain(wheel: &mut Wheel<u64>, now: u64) -> Vec<u64> {
    let mut happened = Vec::new();
    assert!(wheel.advance(now, usize::MAX, |target| happened.push(target)));
    happened
}

#[test]
fn happens_at_its_tick_and_not_before() {
    for tick in [1, 2, 63, 64, 65, 4095, 4096, 4097, 1 << 20, (1 << 40) + 12345, END - 1] {
        let mut wheel = Wheel::new();
        wheel.add(tick, tick);
        assert!(drain(&mut wheel, tick - 1).is_empty());
        assert!(wheel.next().is_some_and(|next| next <= tick));
        assert_eq!(drain(&mut wheel, tick), [tick]);
        assert_eq!(wheel.next(), None);
    }
}

#[test]
fn what_has_passed_happens_at_the_next_tick() {
    let mut wheel = Wheel::new();
    assert!(drain(&mut wheel, 1000).is_empty());
    wheel.add(7, 7);
    assert_eq!(wheel.next(), Some(1001));
    assert_eq!(drain(&mut wheel, 1001), [7]);
}

#[test]
fn equal_ticks_happen_in_the_order_they_were_added() {
    let mut wheel = Wheel::new();
    for target in 0..100 {
        wheel.add(5000, target);
    }
    assert_eq!(drain(&mut wheel, 6000), (0..100).collect::<Vec<_>>());
}

#[test]
fn an_old_key_fits_nothing() {
    let mut wheel = Wheel::new();
    let happened = wheel.add(5, 1);
    assert_eq!(drain(&mut wheel, 5), [1]);
    let removed = wheel.add(9, 2);
    assert_eq!(wheel.remove(happened), None);
    assert_eq!(wheel.remove(removed), Some(2));
    assert_eq!(wheel.remove(removed), None);
    // Nor after the entries were given back.
    let keys: Vec<_> = (0..2 * KEPT as u64).map(|n| wheel.add(10 + n, n)).collect();
    keys.iter().for_each(|key| assert!(wheel.remove(*key).is_some()));
    assert_eq!(wheel.entries.capacity(), 0);
    keys.iter().for_each(|_| assert!(wheel.add(100, 0) != keys[0]));
    keys.iter().for_each(|key| assert_eq!(wheel.remove(*key), None));
}

#[test]
fn a_few_steps_at_a_time_come_to_the_same() {
    let mut wheel = Wheel::new();
    for n in 0..1000 {
        wheel.add(1 + (n * 7919) % 5000, 1 + (n * 7919) % 5000);
    }
    let mut happened = Vec::new();
    let mut calls = 0;
    while !wheel.advance(5000, 3, |target| happened.push(target)) {
        calls += 1;
        assert!(wheel.next().is_some_and(|next| next <= 5000));
        // What is added meanwhile is in nobody's way.
        let key = wheel.add(5001 + calls, 0);
        wheel.add(6000 + calls, u64::MAX);
        assert!(wheel.remove(key).is_some());
    }
    assert!(calls > 300);
    assert_eq!(happened.len(), 1000);
    assert!(happened.is_sorted());
}

/// Against a sorted map, with seeded random steps.
#[test]
fn as_a_sorted_map() {
    for seed in 1..20u64 {
        let mut random = seed;
        let mut below = |bound: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % bound
        };
        let (mut wheel, mut now, mut serial) = (Wheel::new(), 0u64, 0u64);
        let mut model: BTreeMap<(u64, u64), EntryKey> = BTreeMap::new();
        for _ in 0..20_000 {
            match below(10) {
                0..=4 => {
                    let reach = 1 << (1 + below(30));
                    let tick = now + 1 + below(reach);
                    serial += 1;
                    model.insert((tick, serial), wheel.add(tick, serial));
                }
                5..=6 if !model.is_empty() => {
                    let at = below(model.len() as u64) as usize;
                    let (at, key) = model.iter().nth(at).map(|(at, key)| (*at, *key)).unwrap();
                    model.remove(&at);
                    assert_eq!(wheel.remove(key), Some(at.1));
                }
                _ => {
                    let reach = 1 << below(22);
                    now += below(reach);
                    let happened = drain(&mut wheel, now);
                    let later = model.split_off(&(now + 1, 0));
                    let mut due: Vec<_> =
                        model.keys().map(|(tick, serial)| (*tick, *serial)).collect();
                    model = later;
                    let mut got: Vec<_> = happened.clone();
                    got.sort_unstable();
                    due.sort_unstable_by_key(|(_, serial)| *serial);
                    assert_eq!(got, due.iter().map(|(_, serial)| *serial).collect::<Vec<_>>());
                    assert_eq!(wheel.next().is_some(), !model.is_empty());
                    if let Some(((first, _), _)) = model.first_key_value() {
                        assert!(wheel.next().is_some_and(|next| next > now && next <= *first));
                    }
                }
            }
        }
    }
}
