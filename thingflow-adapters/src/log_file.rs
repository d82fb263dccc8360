//! [`LogFile`]: a file that grows, by its name, and stays whole through crashes and rotation.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf, absolute};

#[cfg(feature = "csv")]
use crate::csv::watched::{End, Watched};

/// A file at whose end is written, as long as its name stands for it.
///
/// If the file has been moved or removed, as `logrotate` does, a new one of the name is begun, or the one that is there
/// by now goes on. One that has been emptied in place begins anew too. So nothing is written where nobody looks for it.
/// (What is no regular file, such as a pipe, is not looked after; nor are files on systems that are not like Unix.)
#[derive(Debug)]
pub struct LogFile {
    /// From the root on: the program may change its directory.
    path: PathBuf,
    file: File,
    form: Form,
}

/// What a file consists of.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    #[cfg(feature = "lines")]
    Lines,
    /// CSV rows behind a header.
    #[cfg(feature = "csv")]
    Rows {
        /// With its end of line.
        header: String,
        columns: usize,
    },
}

/// Why a file that is there already is not gone on with.
#[derive(Debug)]
pub(crate) enum Unfit {
    Io(io::Error),
    /// Its first line, which is not the header.
    #[cfg(feature = "csv")]
    Header(String),
}

impl From<io::Error> for Unfit {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Unfit {
    /// For a file that is wanted nonetheless.
    pub(crate) fn into_io(self) -> io::Error {
        match self {
            Self::Io(error) => error,
            #[cfg(feature = "csv")]
            Self::Header(found) => {
                io::Error::other(format!("another file has taken its place, with the header `{found}`"))
            }
        }
    }
}

impl LogFile {
    /// A new file without a header; one of that name is emptied.
    pub(crate) fn create(path: &Path, form: Form) -> io::Result<Self> {
        File::create(path)?;
        // At the end, whatever others do to the file meanwhile.
        let file = OpenOptions::new().append(true).open(path)?;
        Ok(Self { path: absolute(path)?, file, form })
    }

    #[cfg(feature = "csv")]
    pub(crate) fn write_header(&mut self) -> io::Result<()> {
        self.file.write_all(self.form.header().as_bytes())
    }

    /// The file of that name, or a new one.
    pub(crate) fn append(path: &Path, form: Form) -> Result<Self, Unfit> {
        let file = open_to_append(path, &form)?;
        Ok(Self { path: absolute(path)?, file, form })
    }

    /// Before each write: whether the name still stands for this file, and there is something in it.
    fn look(&mut self) -> io::Result<()> {
        let own = self.file.metadata()?;
        if !own.is_file() {
            return Ok(());
        }
        match fs::metadata(&self.path) {
            Ok(named) if is_same(&own, &named) && own.len() > 0 => return Ok(()),
            // Who may no longer look, having given up rights, may still write.
            Err(error) if error.kind() != ErrorKind::NotFound => return Ok(()),
            _ => {}
        }
        self.file = open_to_append(&self.path, &self.form).map_err(Unfit::into_io)?;
        Ok(())
    }
}

/// Each call of `write_all` writes to one file: the current one.
impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.look()?;
        self.file.write(bytes)
    }
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.look()?;
        self.file.write_all(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(unix)]
pub(crate) fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
pub(crate) fn is_same(_: &Metadata, _: &Metadata) -> bool {
    true
}

/// Opens a file so that the next write begins a line, behind the header.
fn open_to_append(path: &Path, form: &Form) -> Result<File, Unfit> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        let mut file = options.open(path)?; // a pipe, which is not to be read from here
        file.write_all(form.header().as_bytes())?;
        return Ok(file);
    }
    let mut file = options.read(true).open(path)?;
    let rest = form.rest(&mut file)?;
    file.write_all(rest.as_bytes())?;
    Ok(file)
}

impl Form {
    fn header(&self) -> &str {
        match self {
            #[cfg(feature = "lines")]
            Self::Lines => "",
            #[cfg(feature = "csv")]
            Self::Rows { header, .. } => header,
        }
    }

    /// What a file needs before the next line.
    fn rest(&self, file: &mut File) -> Result<String, Unfit> {
        match self {
            #[cfg(feature = "lines")]
            Self::Lines => Ok(if ends_line(file)? { String::new() } else { "\n".to_owned() }),
            #[cfg(feature = "csv")]
            Self::Rows { header, columns } => rest_of_rows(file, header, *columns),
        }
    }
}

/// Whether the file is empty, or its last line has an end.
#[cfg(feature = "lines")]
fn ends_line(file: &mut File) -> io::Result<bool> {
    let mut last = [b'\n'];
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    Ok(last == [b'\n'])
}

/// A header that was cut off is completed. A row that was cut off gets more columns than a row can have, so that nobody
/// takes the half of a number for a number.
#[cfg(feature = "csv")]
fn rest_of_rows(file: &mut File, header: &str, columns: usize) -> Result<String, Unfit> {
    file.seek(SeekFrom::Start(0))?;
    let header_len = header.len() as u64;
    let mut start = Vec::new();
    (&mut *file).take(header_len + 4).read_to_end(&mut start)?; // also a byte order mark and another end of line
    let text = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&start);
    if let Some(rest) = header.as_bytes().strip_prefix(text) {
        return Ok(String::from_utf8_lossy(rest).into_owned());
    }
    let names = &header[..header.len() - 1];
    if !text.strip_prefix(names.as_bytes()).is_some_and(|rest| rest.starts_with(b"\n") || rest.starts_with(b"\r\n")) {
        return Err(Unfit::Header(first_line(file)?));
    }
    file.seek(SeekFrom::Start(0))?;
    let mut rows = Watched::new(file, b',');
    io::copy(&mut rows, &mut io::sink())?;
    Ok(match rows.end() {
        End::Row => String::new(),
        End::Field => format!("{} cut off\n", ",".repeat(columns)),
        End::Quoted => format!("\"{} cut off\n", ",".repeat(columns)),
    })
}

#[cfg(feature = "csv")]
fn first_line(file: &mut File) -> io::Result<String> {
    file.seek(SeekFrom::Start(0))?;
    let mut start = Vec::new();
    file.take(4096).read_to_end(&mut start)?;
    Ok(String::from_utf8_lossy(start.split(|byte| *byte == b'\n').next().unwrap_or_default()).trim_end().to_owned())
}

#[cfg(all(test, feature = "csv"))]
mod tests {
    use super::*;
    use crate::csv::{Reader, Values, Writer};
    use proptest::prelude::*;
    use thingflow_core::{Context, InputThing, Instant, pipe};

    type Texts = Writer<Values<String>, LogFile>;

    fn append(path: &Path) -> Texts {
        Writer::append(Values::default(), path).expect("a file of such rows")
    }

    fn write(writer: &mut Texts, text: &str) -> Result<(), String> {
        let cx = &mut Context::detached(Instant::ZERO);
        writer.next(text.to_owned(), cx).map(drop).map_err(|token| cx.take_error(token).to_string())
    }

    fn read(path: &Path) -> String {
        fs::read_to_string(path).expect("a file of text")
    }

    #[test]
    fn a_file_that_is_moved_or_removed_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let (path, moved) = (dir.path().join("log.csv"), dir.path().join("log.csv.1"));
        for mut writer in [append(&path), Writer::create(Values::default(), &path).unwrap()] {
            write(&mut writer, "one").unwrap();
            fs::rename(&path, &moved).unwrap();
            write(&mut writer, "two").unwrap();
            write(&mut writer, "three").unwrap();
            assert_eq!((read(&moved), read(&path)), ("value\none\n".into(), "value\ntwo\nthree\n".into()));
            fs::remove_file(&path).unwrap();
            write(&mut writer, "four").unwrap();
            assert_eq!(read(&path), "value\nfour\n");
            fs::remove_file(&path).unwrap();
            fs::write(&path, "").unwrap(); // as logrotate's `create`
            write(&mut writer, "five").unwrap();
            assert_eq!(read(&path), "value\nfive\n");
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn a_file_that_is_emptied_in_place_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.csv");
        for mut writer in [append(&path), Writer::create(Values::default(), &path).unwrap()] {
            write(&mut writer, "one").unwrap();
            OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
            write(&mut writer, "two").unwrap();
            assert_eq!(read(&path), "value\ntwo\n");
        }
    }

    #[test]
    fn a_folder_that_is_removed_ends_the_run_with_advice() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("data");
        fs::create_dir(&folder).unwrap();
        let mut writer = append(&folder.join("log.csv"));
        write(&mut writer, "one").unwrap();
        fs::remove_dir_all(&folder).unwrap();
        let error = write(&mut writer, "two").unwrap_err();
        assert!(error.starts_with("cannot write to ") && error.contains("mkdir -p"), "{error}");
    }

    #[test]
    fn what_is_no_regular_file_is_written_to_as_it_is() {
        let mut writer = append(Path::new("/dev/null"));
        write(&mut writer, "one").unwrap();
        let error = Writer::append(Values::<String>::default(), "/dev/full").unwrap_err().to_string();
        assert!(error.contains("the disk is full"), "{error}");
    }

    #[test]
    fn another_file_in_its_place_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.csv");
        let mut writer = append(&path);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "x,y\n").unwrap();
        let error = write(&mut writer, "two").unwrap_err();
        assert!(error.ends_with("another file has taken its place, with the header `x,y`"), "{error}");
        drop(writer);
        assert_eq!(read(&path), "x,y\n");
    }

    #[test]
    fn what_other_programs_write_is_gone_on_with() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.csv");
        for (before, after) in [
            ("", "value\nx\n"),
            ("val", "value\nx\n"),
            ("value", "value\nx\n"),
            ("\u{FEFF}value\r\n1\r\n", "\u{FEFF}value\r\n1\r\nx\n"),
            ("value\n1", "value\n1, cut off\nx\n"),
            ("value\n1\r", "value\n1\r, cut off\nx\n"),
            ("value\n\"1\n2", "value\n\"1\n2\", cut off\nx\n"),
            ("value\n\"1\"\"", "value\n\"1\"\"\", cut off\nx\n"),
        ] {
            fs::write(&path, before).unwrap();
            write(&mut append(&path), "x").unwrap();
            assert_eq!(read(&path), after, "{before:?}");
        }
    }

    proptest! {
        /// A power cut leaves any beginning of the file.
        #[test]
        fn a_cut_file_loses_one_row_at_most_and_goes_on(texts in prop::collection::vec("[a\",\n\r]{0,4}", 0..6), at: prop::sample::Index) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("log.csv");
            let mut ends = Vec::new(); // of the rows
            let mut writer = append(&path);
            for text in &texts {
                write(&mut writer, text).unwrap();
                ends.push(fs::metadata(&path).unwrap().len());
            }
            drop(writer);
            let cut = at.index(usize::try_from(fs::metadata(&path).unwrap().len()).unwrap() + 1) as u64;
            OpenOptions::new().write(true).open(&path).unwrap().set_len(cut).unwrap();
            pipe().to(append(&path)).feed(["x".to_owned(), "y".to_owned()]).unwrap();

            let whole = ends.iter().filter(|end| **end <= cut).count();
            let mut expected = texts[..whole].to_vec();
            expected.extend(["x".into(), "y".into()]);
            let reader = Reader::open(Values::<String>::default(), &path).unwrap().skip_bad_rows();
            prop_assert_eq!(reader.flow().collect_now(), expected, "{:?}", read(&path));
        }

        #[test]
        fn no_file_makes_it_panic(bytes: Vec<u8>, headed: bool) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("log.csv");
            let all = [if headed { "value\n".as_bytes() } else { b"" }, &bytes].concat();
            fs::write(&path, &all).unwrap();
            if let Ok(mut writer) = Writer::append(Values::<String>::default(), &path) {
                write(&mut writer, "x").unwrap();
                prop_assert!(fs::read(&path).unwrap().ends_with(b"\nx\n"));
            } else {
                prop_assert_eq!(fs::read(&path).unwrap(), all);
            }
        }
    }
}
