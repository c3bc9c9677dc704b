//! The programs: one handler for bytes moved on a socket of a traced process, one for its states, a few uprobes.
//!
//! They copy and count; what the bytes mean is decided in user space.
#![no_std]
#![no_main]
#![expect(unsafe_code, reason = "every kernel helper is an unsafe call")]

mod arch;
mod connection;
mod frames;
mod goroutine;
mod http3;
mod maps;
mod memory;
mod pieces;
mod probes;
mod process;
mod ring;
mod socket;
mod state;
mod syscall;
mod tables;
mod tls;
mod transfer;

/// Helpers that read memory are for GPL-compatible programs only.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
