import pytest

from playground.datasets.labels import labeled


def classes_of(names, source="auto"):
    found = labeled(names, source)
    return [None if label is None else found.classes[label] for label in found.labels] if found.classes else None


INTEL = ["seg_train/seg_train/sea/1", "seg_train/seg_train/ice/2", "seg_test/seg_test/sea/3", "seg_test/seg_test/ice/4"]
LUNGS = ["NORMAL", "PNEUMONIA"] * 3
XRAY = [f"{copy}{part}/{lung}/1" for copy in ("", "chest_xray/") for part in ("train", "test", "val") for lung in ("NORMAL", "PNEUMONIA")]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a/1", "b/2", "a/3"], ["a", "b", "a"]),
        (["top/a/1", "top/b/2"], ["a", "b"]),  # as people zip
        (["top/train/a/1", "top/test/a/2", "top/test/b/3"], ["a", "a", "b"]),
        (["train/a/1", "val/b/2"], ["a", "b"]),
        (["a/deep/er/1", "b/2"], ["a", "b"]),
        (["1", "2"], None),
        (["top/1", "top/2"], None),  # one class only
        (["train/1", "test/2"], None),
        (["a/1", "b/2", "3"], None),
        (["train/images/1", "test/images/2"], None),
        (["seg_train/sea/1", "seg_train/ice/2", "seg_test/sea/3", "seg_test/ice/4"], ["sea", "ice", "sea", "ice"]),
        (["seg_train/seg_train/sea/1", "seg_train/seg_train/ice/2", "seg_test/seg_test/sea/3"], ["sea", "ice", "sea"]),
        (["training_set/cats/1", "training_set/dogs/2", "test_set/cats/3", "test_set/dogs/4"], ["cats", "dogs", "cats", "dogs"]),
        (["train/cat/1", "train/dog/2", "dev/cat/3", "dev/dog/4"], ["cat", "dog", "cat", "dog"]),
        (["Train/cat/1", "Train/dog/2", "Test/Cat/3", "Test/Dog/4"], ["Cat", "Dog", "Cat", "Dog"]),
        (["color/rust/1", "color/mold/2", "gray/rust/3", "gray/mold/4"], ["rust", "mold", "rust", "mold"]),  # by their folders alone
        (["a/x/1", "a/y/2", "b/x/3", "b/z/4"], ["a", "a", "b", "b"]),  # other folders in each: the top ones are the classes
        (["cat/images/1", "dog/images/2"], ["cat", "dog"]),
        ([*INTEL, "seg_pred/seg_pred/5"], ["sea", "ice", "sea", "ice", None]),
        ([*INTEL, "seg_pred/5"], ["sea", "ice", "sea", "ice", None]),
        ([*INTEL, "seg_pred/images/5"], ["sea", "ice", "sea", "ice", None]),
        (["train/train/1", "test1/test1/2"], None),  # their classes are in the names of the files
        (["train/train/1", "train/car/2", "test/train/3", "test/car/4"], ["train", "car", "train", "car"]),  # a class may be called so
        ([f"chest_xray/{each}" for each in XRAY], LUNGS * 2),
        (XRAY, LUNGS * 2),
        ([f"{top}/{part}/{kind}/1" for top in "AB" for part in ("train", "test") for kind in ("cat", "dog")], ["cat", "dog"] * 4),
        ([f"{kind}/{part}/1" for kind in ("cat", "dog") for part in ("train", "test")], ["cat", "cat", "dog", "dog"]),
        (["cat/cat/1", "dog/dog/2"], ["cat", "dog"]),
    ],
)
def test_which_folders_are_classes(names, expected):
    found, folded = classes_of(names), lambda labels: labels and [each and each.casefold() for each in labels]
    assert folded(found) == folded(expected)
    assert found is not None or labeled(names).notes


def test_one_class_is_spelled_in_one_way():
    assert labeled(["Train/cat/1", "Train/dog/2", "Test/Cat/3", "Test/Dog/4"]).classes == ["cat", "dog"]
    assert len(set(classes_of(["Train/cat/1", "Train/dog/2", "Test/Cat/3", "Test/Dog/4"]))) == 2
    assert len(set(classes_of(["train/cat/1", "train/Cat/2", "test/cat/3", "test/dog/4"]))) == 3  # one folder has both: they differ


PARTS = ["seg_train/sea/1", "seg_train/ice/2", "seg_test/sea/3", "seg_test/ice/4"]


def test_how_folders_were_read_is_said_and_can_be_told():
    said = labeled(PARTS).notes
    assert said == [
        "seg_test, seg_train were combined as parts of one dataset, and the folders inside them are the classes: ice, sea. "
        "If seg_test, seg_train are the classes, read it again with labels from folders."
    ]
    assert classes_of(PARTS, "folders") == ["seg_train", "seg_train", "seg_test", "seg_test"]
    assert labeled(PARTS, "folders").notes == [
        "The top folders are the classes. If those inside them are (ice, sea), read it again with labels from subfolders."
    ]
    assert classes_of(["a/x/1", "a/y/2", "b/x/3", "b/z/4"], "subfolders") == ["x", "y", "x", "z"]
    assert classes_of(PARTS, "none") is None and labeled(PARTS, "none").notes == ["It was added without labels, so no accuracy is shown."]


@pytest.mark.parametrize("stray", ["cover", "photos/cover", "readme/more/cover"])
def test_one_stray_picture_does_not_take_the_labels_of_all(stray):
    around = "" if stray.startswith("readme") or "/" not in stray else "photos/"
    names = [*(f"{around}{kind}/{row}" for kind in ("cat", "dog") for row in range(20)), *([] if stray.startswith("readme") else [stray])]
    found = classes_of(names)
    assert found[:40] == ["cat"] * 20 + ["dog"] * 20 and set(found[40:]) <= {None}


def test_a_stray_picture_beside_the_one_folder_around_everything():
    assert classes_of([*(f"photos/{kind}/{row}" for kind in ("cat", "dog") for row in range(9)), "cover"])[-2:] == ["dog", None]
    names = [*(f"{part}/{kind}/{row}" for part in ("train", "test") for kind in ("cat", "dog") for row in range(9)), "train/cover", "cover"]
    assert classes_of(names)[-3:] == ["dog", None, None]


def test_where_many_lie_outside_there_are_no_labels():
    names = [*(f"{kind}/{row}" for kind in ("cat", "dog") for row in range(5)), *map(str, range(5))]
    assert classes_of(names) is None and "5 images are outside of the class folders (the first: 0)" in labeled(names).notes[0]
    assert classes_of(names, "folders").count(None) == 5


def test_a_thousand_folders_are_no_classes():
    found = labeled([f"{row}/x" for row in range(1001)])
    assert not found.classes and "1,001 folders, too many to be classes" in found.notes[0]
