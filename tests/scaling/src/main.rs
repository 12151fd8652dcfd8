//! Prints the tables of `docs/scaling.md`.

#![expect(clippy::print_stdout, reason = "it is what this program is for")]

fn main() {
    for table in madang_scaling::tables::all() {
        println!("{}\n\n{}", table.name, table.text);
    }
}
