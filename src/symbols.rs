//! The names of this program's functions, for a process that is about to die.
//!
//! std's backtraces allocate and lock, which a signal handler may not do. This reads the symbol
//! table of `/proc/self/exe` where it is, with four system calls and no memory of its own. It knows
//! the program itself and no shared libraries; a stripped program has no names.
//!
//! Guarantees: async-signal-safe, and a damaged file gives no name rather than a fault.
//!
//! Go: `runtime/symtab.go` `findfunc`, whose tables are always in the binary.

use crate::raw_print::Line;
use std::fmt::Write;
use std::mem::MaybeUninit;
use std::ptr;

#[cfg(target_pointer_width = "32")]
use libc::{Elf32_Ehdr as Ehdr, Elf32_Phdr as Phdr, Elf32_Shdr as Shdr, Elf32_Sym as Sym};
#[cfg(target_pointer_width = "64")]
use libc::{Elf64_Ehdr as Ehdr, Elf64_Phdr as Phdr, Elf64_Shdr as Shdr, Elf64_Sym as Sym};

const SHT_SYMTAB: u32 = 2;
const STT_FUNC: u8 = 2;

/// The symbol table of the running program.
pub(crate) struct Symbols {
    file: &'static [u8],
    /// What the loader has added to the addresses in the file.
    base: usize,
}

impl Symbols {
    /// Maps the program's file; it stays mapped.
    pub(crate) fn open() -> Option<Symbols> {
        Some(Symbols { base: load_base()?, file: map_program()? })
    }

    /// Appends `0x55d0c5a3 in name` to the line, or the address alone. `after_call` says that the
    /// address is where a call returns to, which may be past the end of the caller.
    pub(crate) fn describe(
        symbols: Option<&Symbols>,
        address: usize,
        after_call: bool,
        line: &mut Line,
    ) {
        line.text("0x").hex(address as u64);
        let within = address.wrapping_sub(usize::from(after_call));
        if let Some(name) = symbols.and_then(|symbols| symbols.name(within)) {
            // Writing to a line cannot fail: what does not fit is cut off. `#` leaves the hash
            // away.
            let _ = write!(line.text(" in "), "{:#}", rustc_demangle::demangle(name));
        }
    }

    /// The mangled name of the function that `address` lies in.
    fn name(&self, address: usize) -> Option<&'static str> {
        let address = address.wrapping_sub(self.base);
        let header: Ehdr = self.read(0)?;
        let section = |index: usize| -> Option<Shdr> {
            self.read((header.e_shoff as usize).checked_add(index.checked_mul(size_of::<Shdr>())?)?)
        };
        let table = (0..usize::from(header.e_shnum))
            .filter_map(section)
            .find(|section| section.sh_type == SHT_SYMTAB)?;
        let names = section(table.sh_link as usize)?;
        let symbols = self.file.get(table.sh_offset as usize..)?;
        let count = symbols.len().min(table.sh_size as usize) / size_of::<Sym>();
        let found = (0..count)
            .filter_map(|index| {
                self.read::<Sym>(table.sh_offset as usize + index * size_of::<Sym>())
            })
            .find(|symbol| {
                let begin = symbol.st_value as usize;
                symbol.st_info & 0xf == STT_FUNC
                    && (begin..begin.saturating_add(symbol.st_size as usize)).contains(&address)
            })?;
        let name = self.file.get(names.sh_offset as usize..)?.get(found.st_name as usize..)?;
        let length = name.iter().position(|byte| *byte == 0)?;
        std::str::from_utf8(&name[..length]).ok()
    }

    /// One of the file's records.
    fn read<T: Record>(&self, offset: usize) -> Option<T> {
        let bytes = self.file.get(offset..offset.checked_add(size_of::<T>())?)?;
        // SAFETY: so many bytes are there, and a record is valid whatever they are.
        Some(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
    }
}

/// A type for which any bytes are a value.
///
/// # Safety
///
/// It consists of integers only.
unsafe trait Record: Copy {}
// SAFETY: integers only, by the ELF specification.
unsafe impl Record for Ehdr {}
// SAFETY: as above.
unsafe impl Record for Shdr {}
// SAFETY: as above.
unsafe impl Record for Sym {}

fn map_program() -> Option<&'static [u8]> {
    // SAFETY: async-signal-safe system calls with valid arguments; the new mapping is private,
    // never written and never unmapped, and a program's file does not change while it runs
    // (ETXTBSY).
    unsafe {
        let file = libc::open(c"/proc/self/exe".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        if file < 0 {
            return None;
        }
        let mut status = MaybeUninit::<libc::stat>::zeroed();
        let known = libc::fstat(file, status.as_mut_ptr()) == 0;
        let size = usize::try_from(status.assume_init().st_size).ok()?;
        let address =
            libc::mmap(ptr::null_mut(), size.max(1), libc::PROT_READ, libc::MAP_PRIVATE, file, 0);
        libc::close(file);
        if !known || address == libc::MAP_FAILED {
            return None;
        }
        Some(std::slice::from_raw_parts(address.cast(), size))
    }
}

/// Where the program's own addresses begin, from the headers the kernel has mapped.
fn load_base() -> Option<usize> {
    // SAFETY: getauxval only reads. The kernel's vector names the program headers and their number.
    let headers = unsafe {
        let (at, count) = (libc::getauxval(libc::AT_PHDR), libc::getauxval(libc::AT_PHNUM));
        if at == 0 {
            return None;
        }
        std::slice::from_raw_parts(at as *const Phdr, count as usize)
    };
    let own = headers.iter().find(|header| header.p_type == libc::PT_PHDR)?;
    Some((headers.as_ptr() as usize).wrapping_sub(own.p_vaddr as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(never)]
    fn a_function_with_a_name() -> usize {
        std::hint::black_box(1)
    }

    fn described(address: usize, after_call: bool) -> String {
        let mut line = Line::new();
        Symbols::describe(Symbols::open().as_ref(), address, after_call, &mut line);
        line.to_string()
    }

    #[test]
    fn knows_this_program_and_nothing_else() {
        assert_eq!(a_function_with_a_name(), 1);
        let address = a_function_with_a_name as *const () as usize;
        for text in [described(address, false), described(address + 1, true)] {
            assert!(text.contains("symbols::tests::a_function_with_a_name"), "{text}");
            assert!(text.starts_with("0x"), "{text}");
        }
        assert_eq!(described(8, true), "0x8");
    }
}
