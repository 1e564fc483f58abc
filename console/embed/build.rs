//! Lets cargo see when the console was built anew.

fn main() {
    // Made empty where nothing was built yet: a path that is missing would make every build of the server begin here.
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../dist");
    if let Err(error) = std::fs::create_dir_all(built) {
        println!("cargo::warning=console/dist cannot be made ({error}); the server says that no console is built");
    }
    println!("cargo::rerun-if-changed=../dist");
    println!("cargo::rerun-if-changed=build.rs");
}
