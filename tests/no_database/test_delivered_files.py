"""A folder, a file or a zip: its content says what it holds, and what could do harm is refused."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest
import xlsxwriter
from ssda903_returns import OC3, RETURN, delivered, write_return

from carepath.sources.delivered import DeliveredFile, find_files
from carepath.sources.ssda903.checking import MalformedReturnError, check_return

ODF = "urn:oasis:names:tc:opendocument:xmlns"


def found(path: Path) -> tuple[list[DeliveredFile], list[str], list[str]]:
    """Return the files, the errors and the notes."""
    errors: list[str] = []
    notes: list[str] = []

    def tell(file: str, line: int, column: str, message: str) -> None:
        errors.append(f"{file}: {message}")

    def note(file: str, line: int, column: str, message: str) -> None:
        notes.append(f"{file}: {message}")

    return find_files(path, tell, note), errors, notes


def zipped(path: Path, members: dict[str, str | bytes], **options: int) -> Path:
    options.setdefault("compression", zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(path, "w", **options) as archive:  # type: ignore[arg-type]
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def workbook(path: Path) -> Path:
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet().write(0, 0, "Child Unique ID")
    return path


def test_content_is_found_whatever_the_name_is(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_text(OC3)
    (tmp_path / "b.csv").write_text("<?xml version='1.0'?>\n<x:EXPSSDA903 xmlns:x='u'/>")
    (tmp_path / "c.txt").write_bytes("\ufeff<Message/>".encode("utf-16-le"))
    workbook(tmp_path / "d.zip")
    zipped(tmp_path / "e.xlsx", {"folder/oc3": OC3, "__MACOSX/x": "x", "photo": b"\x89PNG"})
    files, errors, notes = found(tmp_path)
    assert errors == []
    assert [(file.name, file.content, file.root) for file in files] == [
        ("a.bin", "csv", ""),
        ("b.csv", "xml", "EXPSSDA903"),
        ("c.txt", "xml", "Message"),
        ("d.zip", "workbook", ""),
        ("e.xlsx/folder/oc3", "csv", ""),
    ]
    assert notes == ["e.xlsx/photo: The file was not read: it is not CSV, XML or a workbook."]


def test_root_is_found_although_the_file_is_damaged_behind_it(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(b"<Message><Header>\xff</Header></Message>")
    (tmp_path / "b.xml").write_text("<Message><Header></Wrong></Message>")
    files, _, _ = found(tmp_path)
    assert [file.root for file in files] == ["Message", "Message"]


def test_a_zip_is_the_same_return_as_its_folder(tmp_path: Path) -> None:
    expected = delivered(write_return(tmp_path / "folder"))
    archive = zipped(tmp_path / "return.zip", dict(RETURN))
    assert delivered(archive) == expected
    assert delivered(zipped(tmp_path / "stored.zip", dict(RETURN), compression=0)) == expected
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    members = dict(RETURN)
    (mixed / "leavers.csv").write_text(members.pop("leavers.csv"))
    zipped(mixed / "rest", members)
    assert delivered(mixed) == expected


def test_an_error_in_a_zip_names_the_file_inside(tmp_path: Path) -> None:
    broken = {**RETURN, "leavers.csv": OC3.replace("14/05/1999", "31/02/1999")}
    with pytest.raises(MalformedReturnError) as caught:
        check_return(zipped(tmp_path / "r.zip", broken))
    (error,) = caught.value.errors
    assert (error.file, error.line, error.column) == ("r.zip/leavers.csv", 2, "DOB")


def overlong(path: Path) -> Path:
    """Write a zip whose directory says that a file is smaller than it is."""
    zipped(path, {"a.csv": b"0" * 4096})
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = struct.pack("<I", 10)
    path.write_bytes(data)
    return path


def encrypted(path: Path) -> Path:
    zipped(path, {"a.csv": OC3})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    return path


def nameless(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("a")
        info.filename = ""
        archive.writestr(info, OC3)
    return path


def link(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("a.csv")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    return path


HARMFUL = {
    "bomb": (lambda p: zipped(p, {"a.csv": b"\0" * (8 << 20)}), "times its size"),
    "leaves upwards": (lambda p: zipped(p, {"../a.csv": OC3}), "leaves its folder"),
    "leaves from inside": (lambda p: zipped(p, {"x/../../a.csv": OC3}), "leaves its folder"),
    "absolute": (lambda p: zipped(p, {"/etc/a.csv": OC3}), "leaves its folder"),
    "another drive": (lambda p: zipped(p, {"C:\\a.csv": OC3}), "leaves its folder"),
    "many files": (lambda p: zipped(p, {str(n): "" for n in range(501)}), "more than 500 files"),
    "zip in a zip": (lambda p: zipped(p, {"b.zip": zipped(p, {"a": "x"}).read_bytes()}), "another"),
    "link": (link, "link"),
    "password": (encrypted, "password"),
    "empty": (lambda p: zipped(p, {}), "no file that can be read"),
    "a dot": (lambda p: zipped(p, {".": OC3}), "file without a name"),
    "no name": (lambda p: nameless(p), "file without a name"),
    "cut short": (lambda p: cut(zipped(p, dict(RETURN))), "damaged or cut short"),
}


def cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-60])
    return path


@pytest.mark.parametrize("case", HARMFUL)
def test_a_zip_that_could_do_harm_is_refused(tmp_path: Path, case: str) -> None:
    make, message = HARMFUL[case]
    path = make(tmp_path / "r.zip")
    files, errors, _ = found(path)
    assert files == []
    assert message in errors[0]
    assert errors[0].endswith(".")
    with pytest.raises(MalformedReturnError):
        check_return(path)
    assert [each.name for each in tmp_path.iterdir()] == ["r.zip"]


def test_a_zip_that_lies_about_a_size_is_refused_when_it_is_read(tmp_path: Path) -> None:
    with pytest.raises(MalformedReturnError, match="damaged"):
        check_return(overlong(tmp_path / "r.zip"))


def test_a_workbook_that_would_unpack_to_gigabytes_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "lists.xlsx")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet2.xml", b" " * (8 << 20))
    files, errors, _ = found(path)
    assert files == []
    assert "more than a list can" in errors[0]


@pytest.mark.parametrize(
    ("row", "column"), [(1_048_575, 16_383), (1_048_575, 9)], ids=["far corner", "last row"]
)
def test_a_cell_far_from_the_records_is_refused_before_it_takes_the_memory(
    tmp_path: Path, row: int, column: int
) -> None:
    path = tmp_path / "lists.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "Child Unique ID")
        sheet.write(row, column, "x")
    files, errors, _ = found(path)
    assert files == []
    assert "more rows and columns than can be read" in errors[0]
    assert found(zipped(tmp_path / "r.zip", {"lists.xlsx": path.read_bytes()}))[0] == []


def test_a_repeated_row_of_an_open_document_is_refused(tmp_path: Path) -> None:
    rows = (
        f'<office:document-content xmlns:office="{ODF}:office:1.0" xmlns:table="{ODF}:table:1.0"'
        f' xmlns:text="{ODF}:text:1.0"><office:body><office:spreadsheet>'
        '<table:table table:name="S"><table:table-row table:number-rows-repeated="{times}">'
        '<table:table-cell office:value-type="string" table:number-columns-repeated="1000">'
        "<text:p>Child Unique ID</text:p></table:table-cell></table:table-row>"
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    path = tmp_path / "lists.ods"
    parts: dict[str, str | bytes] = {
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
        "META-INF/manifest.xml": "<manifest/>",
        "content.xml": rows.replace("{times}", "11000"),
    }
    files, errors, _ = found(zipped(path, parts))
    assert files == []
    assert "more rows and columns than can be read" in errors[0]
    zipped(path, parts | {"content.xml": rows.replace("{times}", "10")})
    assert [each.content for each in found(path)[0]] == ["workbook"]


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text(OC3)
    folder = write_return(tmp_path / "return", {"leavers.csv": None})
    (folder / "leavers.csv").symlink_to(outside)
    with pytest.raises(MalformedReturnError, match="leads out of the folder"):
        check_return(folder)
    (folder / "leavers.csv").unlink()
    (folder / "kept").write_text(OC3)
    (folder / "leavers.csv").symlink_to(folder / "kept")
    assert found(folder)[1] == []


def test_a_file_that_cannot_be_found_is_named(tmp_path: Path) -> None:
    _, errors, _ = found(tmp_path / "nowhere.zip")
    assert errors == ["nowhere.zip: There is no such file or folder. Check the path."]
