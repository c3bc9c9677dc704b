//! Checked reads of kernel and user memory, and the loader's constants.

use core::mem::MaybeUninit;
use core::ptr;

use aya_ebpf::helpers::generated::{bpf_probe_read_kernel, bpf_probe_read_user};
use hoptap_ebpf::{Kernel, PIECE};

#[unsafe(no_mangle)]
pub(crate) static KERNEL: Kernel = Kernel {
    sk_family: 0,
    sk_num: 0,
    sk_dport: 0,
    sk_daddr: 0,
    sk_rcv_saddr: 0,
    sk_v6_daddr: 0,
    sk_v6_rcv_saddr: 0,
    sk_protocol: 0,
    sk_err: 0,
    sk_socket: 0,
    task_files: 0,
    files_fdt: 0,
    fdt_fd: 0,
    fdt_max: 0,
    file_private: 0,
    file_inode: 0,
    inode_mode: 0,
    socket_sk: 0,
    pressure: 0,
    wake: 0,
    task_stack: 0,
    stack_size: 0,
};

/// The loader's constants. Volatile: the compiler must not take the zeroes above for their values.
macro_rules! offset {
    ($field:ident) => {
        // SAFETY: a read of our own constant.
        unsafe { core::ptr::read_volatile(&raw const $crate::memory::KERNEL.$field) }
    };
}
pub(crate) use offset;

/// What any bytes are a value of, and zeroes mean nothing.
pub(crate) trait Plain: Copy {}
impl Plain for u8 {}
impl Plain for u16 {}
impl Plain for u32 {}
impl Plain for u64 {}
impl Plain for i32 {}
impl Plain for i64 {}
impl<const N: usize> Plain for [u8; N] {}
impl<const N: usize> Plain for [u64; N] {}

/// Reads a value of the kernel; zeroes where it cannot. Without a branch, for the helper clears what it could not
/// read (kernel/trace/bpf_trace.c, `bpf_probe_read_kernel_common`), and the verifiers of 5.10 and 6.1 walk each
/// way of a branch to the end of the program.
#[inline(always)]
pub(crate) fn kernel<T: Plain>(address: *const T) -> T {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: the helper writes all of the value in any case.
    unsafe {
        bpf_probe_read_kernel(value.as_mut_ptr().cast(), size_of::<T>() as u32, address.cast());
        value.assume_init()
    }
}

/// Reads a value `offset` bytes into a structure of the kernel; zeroes where it cannot.
#[inline(always)]
pub(crate) fn field<T: Plain>(base: u64, offset: u32) -> T {
    kernel(ptr::with_exposed_provenance((base + u64::from(offset)) as usize))
}

/// Reads a value of the traced process; zeroes where it cannot.
#[inline(always)]
pub(crate) fn user<T: Plain>(address: u64) -> T {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: as above, `bpf_probe_read_user_common`.
    unsafe {
        bpf_probe_read_user(
            value.as_mut_ptr().cast(),
            size_of::<T>() as u32,
            ptr::with_exposed_provenance(address as usize),
        );
        value.assume_init()
    }
}

/// Reads a value of the traced process.
#[inline(always)]
pub(crate) fn try_user<T: Copy>(address: u64) -> Option<T> {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: the helper writes all of the value or fails.
    unsafe {
        let failed = bpf_probe_read_user(
            value.as_mut_ptr().cast(),
            size_of::<T>() as u32,
            ptr::with_exposed_provenance(address as usize),
        );
        if failed == 0 { Some(value.assume_init()) } else { None }
    }
}

/// Reads `size` bytes of the traced process into `to`; says whether it could.
///
/// # Safety
/// `to` must have room for `size` bytes.
#[inline(always)]
pub(crate) unsafe fn user_into(to: *mut u8, address: u64, size: u32) -> bool {
    // SAFETY: the caller's word.
    unsafe { bpf_probe_read_user(to.cast(), size, ptr::with_exposed_provenance(address as usize)) == 0 }
}

/// Copies `length` bytes of the traced process, at most [`PIECE`], to `to`; all ones where it could not, else 0.
///
/// # Safety
/// `to` must have room for two pieces.
#[inline(always)]
pub(crate) unsafe fn copy(to: *mut u8, address: u64, length: u64) -> u64 {
    // SAFETY: the mask keeps the length within two pieces. Volatile: where the compiler can prove the bound it drops
    // the mask that the verifier wants to see.
    unsafe {
        let length = ptr::read_volatile(&raw const length) & (2 * PIECE as u64 - 1);
        let failed = bpf_probe_read_user(to.cast(), length as u32, ptr::with_exposed_provenance(address as usize));
        (failed >> 63) as u64
    }
}

/// Copies at most `limit` bytes of the traced process to `to`; gives how many were copied.
///
/// # Safety
/// `to` must have room for `limit` bytes.
#[inline(always)]
pub(crate) unsafe fn copy_text(to: *mut u8, address: u64, length: usize, limit: usize) -> usize {
    // Volatile: as above.
    let mut length = unsafe { ptr::read_volatile(&raw const length) };
    if length > limit {
        length = limit;
    }
    let from = ptr::with_exposed_provenance(address as usize);
    // SAFETY: `length` is at most `limit`.
    if unsafe { bpf_probe_read_user(to.cast(), length as u32, from) } == 0 { length } else { 0 }
}
