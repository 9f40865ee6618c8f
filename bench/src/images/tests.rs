use super::*;

#[test]
fn the_others_make_the_files_that_we_make() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/data/photos/lots");
    let made = pictures::process(&std::fs::read(folder.join("whole.jpg")).unwrap()).unwrap();
    let mut ours: Vec<_> = made
        .variants
        .iter()
        .map(|it| match it.shape {
            market::images::model::Shape::Whole => format!("{}x {:?}", it.width, it.format),
            market::images::model::Shape::Square => format!("{}x{} {:?}", it.width, it.height, it.format),
        })
        .collect();
    let mut theirs: Vec<_> = files(made.width)
        .map(|(_, size, suffix)| format!("{size} {:?}", if suffix == "webp" { Format::Webp } else { Format::Jpeg }))
        .collect();
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs);
}
