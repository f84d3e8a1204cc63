use std::time::{Duration, Instant};
fn cpu() -> Duration {
    unsafe {
        let mut u: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut u);
        Duration::new((u.ru_utime.tv_sec + u.ru_stime.tv_sec) as u64, 0)
            + Duration::from_micros((u.ru_utime.tv_usec + u.ru_stime.tv_usec) as u64)
    }
}
fn main() {
    let n: u64 = std::env::args().nth(1).map_or(100_000, |a| a.parse().unwrap());
    for round in 0..3 {
        let rt = unsafe { midge::Runtime::migrating() }.unwrap();
        let (t, c) = (Instant::now(), cpu());
        let late = rt.run(|| {
            let hs: Vec<_> = (0..n)
                .map(|i| {
                    midge::spawn(move || {
                        let ms = 1 + (i.wrapping_mul(0x9e3779b97f4a7c15) >> 33) % 100;
                        midge::task::sleep(Duration::from_millis(ms));
                    })
                })
                .collect();
            for h in hs {
                h.join().unwrap();
            }
            // precision, idle
            let mut late = vec![];
            for _ in 0..200 {
                let b = Instant::now();
                midge::task::sleep(Duration::from_millis(1));
                late.push(b.elapsed() - Duration::from_millis(1));
                if late.len() == 1 {
                    println!("sleepers: wall {:?} cpu {:?}", t.elapsed(), cpu() - c);
                }
            }
            late.sort();
            (late[100], late[190])
        });
        println!(
            "{round} late median {:?} p95 {:?} freezes {} steals {}",
            late.0,
            late.1,
            rt.metrics().freezes,
            rt.metrics().steals
        );
    }
}
