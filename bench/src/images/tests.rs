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

/// Whoever is not installed makes none; the tests of pictures want ImageMagick anyway.
#[tokio::test]
async fn what_the_others_make_has_the_sizes_of_ours() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/data/photos/lots/left.jpg");
    let photograph = Photograph { width: pictures::process(&std::fs::read(&path).unwrap()).unwrap().width, path };
    let mut all = Vec::new();
    for maker in Maker::ALL {
        if !maker.is_installed().await {
            continue;
        }
        let folder = std::env::temp_dir().join(format!("tradeyard-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&folder).unwrap();
        make(maker, &photograph, &folder).await.unwrap();
        let mut sizes: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|file| {
                let made = pictures::process(&std::fs::read(file.unwrap().path()).unwrap()).unwrap();
                (made.width, made.height)
            })
            .collect();
        std::fs::remove_dir_all(&folder).unwrap();
        sizes.sort_unstable();
        all.push((maker, sizes));
    }
    assert_eq!(all[0].1.len(), 10, "160, 320, 640, 960 and the square, twice");
    for (maker, sizes) in &all {
        assert_eq!(*sizes, all[0].1, "{maker:?}");
    }
}
