#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| detect::exercise::listen(bytes));
