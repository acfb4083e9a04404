//! The one integration test program.

mod emulator;
