import socket
import sys
import threading

import pytest
from PIL import Image

from playground.datasets import CATALOG, DataError, huggingface, own


@pytest.fixture
def library():
    return pytest.importorskip("datasets", reason="Hugging Face's `datasets` is not installed")


@pytest.fixture
def table(library):
    """Twenty images with a marked label, a free label, and a number."""
    images = [Image.new("RGB", (40, 40), (10 * i, 0, 0)) for i in range(20)]
    features = library.Features(
        {
            "number": library.Value("int64"),
            "picture": library.Image(),
            "kind": library.ClassLabel(names=["fire/ant", "..bee"]),
            "color": library.Value("string"),
        }
    )
    rows = {"number": list(range(20)), "picture": images, "kind": [i % 2 for i in range(20)], "color": ["red", "blue", "green", None] * 5}
    return library.Dataset.from_dict(rows, features)


def reds(kind):
    """label -> the red of its images, over both parts."""
    found = {}
    for part in kind.load(kind.Knobs(), None):
        for pixels, label in zip(part.pixels, part.factors["class"], strict=True):
            found.setdefault(part.names["class"][label], set()).add(int(pixels[0, 0, 0]))
    return found


@pytest.mark.slow
def test_a_table_that_was_saved_becomes_a_set_with_its_labels(table, home, tmp_path):
    table.save_to_disk(tmp_path / "saved")
    list(huggingface.add(f"hf:{tmp_path}/saved"))
    made = own.get("own-saved")
    assert made.counts() == {"fire∕ant": 10, "․.bee": 10} and made.folder == ""
    assert reds(CATALOG["own-saved"]) == {"fire∕ant": {20 * i for i in range(10)}, "․.bee": {20 * i + 10 for i in range(10)}}


def test_parts_and_columns_can_be_chosen(library, table, home, tmp_path):
    library.DatasetDict({"train": table.select(range(4)), "test": table}).save_to_disk(tmp_path / "parts")
    list(huggingface.add(f"hf:{tmp_path}/parts:test", "By color", "picture", "color"))
    assert own.get("By color").counts() == {"blue": 5, "green": 5, "red": 5, "unlabeled": 5}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_folder_of_parquet_is_loaded_as_from_the_hub(table, home, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "repo").mkdir()
    table.to_parquet(tmp_path / "repo" / "train.parquet")
    list(huggingface.add(f"hf:{tmp_path}/repo", "Parquet"))
    assert len(own.get("Parquet").files) == 20


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"image_column": "photo"}, r"--image-column must be a column of hf:.* \(number: Value, picture: Image.*\), got photo"),
        ({"label_column": "species"}, "--label-column must be a column of hf:.*, got species"),
        ({"image_column": "color"}, "hf:.* must have a column of images, got number: Value, picture: Image"),
    ],
)
def test_a_column_that_is_not_there_is_one_sentence(more, sentence, table, home, tmp_path):
    table.save_to_disk(tmp_path / "saved")
    with pytest.raises(DataError, match=f"^{sentence}"):
        list(huggingface.add(f"hf:{tmp_path}/saved", **more))


def test_a_table_that_cannot_be_had_is_one_sentence(library, home, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"^hf:.*/empty must have a readable part train, got \w+: "):
        list(huggingface.add(f"hf:{tmp_path}/empty"))


def test_a_server_that_does_not_answer_is_asked_once(library, home, monkeypatch):
    from huggingface_hub import constants

    asked = []

    def hang_up(listening):
        while True:
            try:
                asked.append(listening.accept()[0])
            except OSError:
                return
            asked[-1].close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        monkeypatch.setattr(constants, "ENDPOINT", address)
        threading.Thread(target=hang_up, args=(listening,), daemon=True).start()
        sentence = f"^hf:somebody/birds must be reachable or downloaded before, got no answer from {address}: "
        with pytest.raises(DataError, match=sentence):
            list(huggingface.add("hf:somebody/birds"))
        listening.shutdown(socket.SHUT_RDWR)
    assert len(asked) == 1 and not constants.HF_HUB_OFFLINE


def test_without_the_library_it_says_what_to_install(home, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r"which is not installed: python -m pip install 'ssl-playground\[huggingface\]'$"):
        list(huggingface.add("hf:somebody/birds"))
