//! ABI types as values of maps.

/// A type of the ABI, for which `aya` wants a promise that any bytes are a value.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Pod<T>(pub T);

macro_rules! pod {
    ($($type:ty),*) => {$(
        #[expect(unsafe_code, reason = "the promise of aya::Pod")]
        // SAFETY: `repr(C)`, integers only, no padding (hoptap-ebpf/src/lib.rs).
        unsafe impl aya::Pod for Pod<$type> {}
    )*};
}

pod!(hoptap_ebpf::Kernel, hoptap_ebpf::Target, hoptap_ebpf::Skip, hoptap_ebpf::Tally, hoptap_ebpf::Ended);
