//! Promise: a frame may be larger than what the window has committed, by any amount below the
//! limit, and its first touch may be anybody's: Rust's probes, C code that probes nothing, a system
//! call that writes into it.

mod common;
#[path = "common/foreign.rs"]
mod foreign;

use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd};

use common::{for_each_mode, for_each_mode_with, join, room_for};
use midge::{stack, task};

const MB: usize = 1_000_000;

/// The two ends of a pipe.
fn pipe() -> (File, File) {
    let mut ends = [0; 2];
    // SAFETY: the pointer is to two descriptors' worth of memory, and both are this process's own
    // then.
    unsafe {
        assert_eq!(libc::pipe(ends.as_mut_ptr()), 0, "{}", std::io::Error::last_os_error());
        (File::from_raw_fd(ends[0]), File::from_raw_fd(ends[1]))
    }
}

#[inline(never)]
fn ten_megabytes(seed: usize) -> u64 {
    let mut array = [0u8; 10 * MB];
    array[seed % (10 * MB)] = 1;
    array[10 * MB - 1] += 1;
    task::yield_now();
    black_box(&array).iter().map(|byte| u64::from(*byte)).sum()
}

#[test]
fn an_array_of_ten_megabytes() {
    for_each_mode_with(
        &[1, 2],
        |builder| room_for(10 * MB, 4, builder),
        |rt, _| {
            let tasks: Vec<_> =
                (0..4).map(|i| rt.spawn(move || ten_megabytes(i * 77_777))).collect();
            assert_eq!(tasks.into_iter().map(join).sum::<u64>(), 8);
        },
    );
}

#[inline(never)]
fn read_first(descriptor: i32) -> usize {
    let mut buffer = [MaybeUninit::<u8>::uninit(); 300_000];
    let (mut filled, all) = (0, buffer.len());
    while filled < all {
        let rest = &mut buffer[filled..];
        // SAFETY: so many bytes are there to be written to.
        let got = unsafe { libc::read(descriptor, rest.as_mut_ptr().cast(), rest.len()) };
        assert!(got > 0, "{}", std::io::Error::last_os_error());
        filled += got as usize;
    }
    // SAFETY: all of it has been filled.
    black_box(&buffer).iter().map(|byte| usize::from(unsafe { byte.assume_init() })).sum()
}

#[test]
fn a_frame_that_a_system_call_writes_to_first() {
    for_each_mode(&[1, 2], |rt, _| {
        let (reader, mut writer) = pipe();
        let feeder = std::thread::spawn(move || writer.write_all(&[1; 300_000]));
        let descriptor = reader.as_raw_fd();
        assert_eq!(join(rt.spawn(move || read_first(descriptor))), 300_000);
        feeder.join().unwrap().unwrap();
    });
}

/// See `foreign::read_into_frame` for why on x86 only.
#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
#[test]
fn a_c_frame_that_a_system_call_writes_to_first() {
    for_each_mode_with(
        &[1],
        |builder| room_for(3 * MB, 4, builder),
        |rt, _| {
            for size in [1000, 5000, 66_000, 300_000, 3_000_000] {
                let mut file = tempfile(size);
                let descriptor = file.as_raw_fd();
                let task = rt.spawn(move || {
                    // SAFETY: it reads from a file of ours into its own frame.
                    unsafe { foreign::read_into_frame(descriptor, size, libc::read) }
                });
                assert_eq!(join(task), size as isize);
                assert_eq!(
                    std::io::Read::read(&mut file, &mut [0; 8]).unwrap(),
                    0,
                    "it has read to the end"
                );
            }
        },
    );
}

#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
/// A file without a name that holds so many sevens.
fn tempfile(size: usize) -> File {
    // SAFETY: the name is a C string, and the descriptor is this process's own then.
    let mut file = unsafe {
        let descriptor = libc::memfd_create(c"sevens".as_ptr(), 0);
        assert!(descriptor >= 0, "{}", std::io::Error::last_os_error());
        File::from_raw_fd(descriptor)
    };
    file.write_all(&vec![7; size]).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    file
}

#[test]
fn alloca_like_frames_of_c_code() {
    for_each_mode_with(
        &[1, 2],
        |builder| room_for(150 * MB, 2, builder),
        |rt, _| {
            let sizes = [64, 5_000, 70_000, 1_000_000, 20_000_000, 150_000_000];
            let tasks = sizes.map(|size| {
                rt.spawn(move || {
                    // SAFETY: it uses nothing but its own stack.
                    let got = unsafe { foreign::frame_of(size) };
                    task::yield_now();
                    (got, stack::committed_bytes())
                })
            });
            for (task, size) in tasks.into_iter().zip(sizes) {
                assert_eq!(join(task).0, size);
            }
        },
    );
}
