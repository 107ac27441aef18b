package statement

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"

	"aftercall/internal/ledger"
)

// unfinished begins the names of files that are being written.
const unfinished = ".statement-unfinished-"

// dirBatch is how many names of a folder are read at once.
const dirBatch = 1000

// ErrOtherFiles is returned for a folder that holds something else than statements.
var ErrOtherFiles = errors.New("holds something else than statements")

// Folder is a folder with a file for each statement.
type Folder struct{ root *os.Root }

// OpenFolder opens a folder, or creates one that only its owner can read. If it holds
// anything else than statements, the error is ErrOtherFiles, unless others is true.
func OpenFolder(path string, others bool) (*Folder, error) {
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	f := &Folder{root}
	if !others {
		err = f.each(func(e fs.DirEntry) error {
			if !ownName.MatchString(e.Name()) || !e.Type().IsRegular() {
				return fmt.Errorf("%s %w, such as %q", path, ErrOtherFiles, e.Name())
			}
			return nil
		})
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return f, nil
}

// Close closes the folder.
func (f *Folder) Close() error { return f.root.Close() }

// each calls see for everything in the folder.
func (f *Folder) each(see func(fs.DirEntry) error) error {
	dir, err := f.root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	for {
		entries, err := dir.ReadDir(dirBatch)
		for _, e := range entries {
			if err := see(e); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// Written is what WriteAll wrote.
type Written struct {
	Statements int
	Totals     []ledger.Total
	// Others is how many statements of the month and format the folder holds that were
	// not written now: of payers that no longer have calls, or by other filters.
	Others int
}

// WriteAll writes a statement for each payer of the calls, which are ordered by payer.
// head gives all but the payer. Each file replaces an earlier one of its name at once;
// after an error those that were written stay.
func (f *Folder) WriteAll(calls iter.Seq2[Call, error], format Format, head Head) (Written, error) {
	var (
		done Written
		sums ledger.Sums
		file *file
	)
	finish := func() error {
		if file == nil {
			return nil
		}
		totals, err := file.finish()
		file = nil
		if err != nil {
			return err
		}
		done.Statements++
		return sums.AddTotals(totals)
	}
	err := func() (err error) {
		for call, err := range calls {
			if err != nil {
				return err
			}
			if file == nil || head.Payer != call.Payer() {
				if err := finish(); err != nil {
					return err
				}
				head.Payer = call.Payer()
				if file, err = f.create(format, head); err != nil {
					return err
				}
			}
			if err := file.Add(call); err != nil {
				return err
			}
		}
		return finish()
	}()
	if err != nil {
		if file != nil {
			err = errors.Join(err, file.discard())
		}
		return done, err
	}
	done.Totals = sums.Totals()
	all, err := f.count(head.Month, format)
	done.Others = all - done.Statements
	return done, err
}

// count counts the statements of a month in a format.
func (f *Folder) count(month string, format Format) (n int, err error) {
	err = f.each(func(e fs.DirEntry) error {
		if strings.HasPrefix(e.Name(), prefix(month)) && strings.HasSuffix(e.Name(), suffix(format)) {
			n++
		}
		return nil
	})
	return n, err
}

// file is a statement on its way into the folder.
type file struct {
	*Writer
	root            *os.Root
	open            *os.File
	buffer          *bufio.Writer
	temporary, name string
}

// create begins the file of a payer under a temporary name.
func (f *Folder) create(format Format, head Head) (*file, error) {
	temporary := unfinished + strconv.FormatUint(rand.Uint64(), 10)
	open, err := f.root.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	file := &file{root: f.root, open: open, buffer: bufio.NewWriter(open), temporary: temporary, name: FileName(head.Payer, head.Month, format)}
	if file.Writer, err = NewWriter(file.buffer, format, head); err != nil {
		return nil, errors.Join(err, file.discard())
	}
	return file, nil
}

// finish ends the statement and gives the file its name.
func (f *file) finish() ([]ledger.Total, error) {
	totals, err := f.End()
	if err == nil {
		err = f.buffer.Flush()
	}
	if err != nil {
		return nil, errors.Join(err, f.discard())
	}
	if err = f.open.Close(); err == nil {
		err = f.root.Rename(f.temporary, f.name)
	}
	if err != nil {
		return nil, errors.Join(err, f.root.Remove(f.temporary))
	}
	return totals, nil
}

// discard removes the unfinished file.
func (f *file) discard() error { return errors.Join(f.open.Close(), f.root.Remove(f.temporary)) }
