// io/zip.h -- zip archives: entries found through the directory at the end, stored or deflated, checked by their CRC.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/sink.h"
#include "io/source.h"

namespace ct::io {

struct ZipEntry {
  std::string name;
  std::uint64_t header = 0;  // where its local header begins
  std::uint64_t data = 0;    // where its bytes begin
  std::uint64_t packed = 0;  // bytes in the file
  std::uint64_t size = 0;    // bytes when unpacked
  std::uint32_t crc = 0;
  bool deflated = false;
};

// The directory of an archive. All of it is checked first: names are unique, entries lie within the file and apart from each
// other, and none claims to unpack to more than deflate can (a factor of 1032).
class ZipArchive {
 public:
  // Errors: IoError if the source is no zip archive, is damaged, or uses what is not supported here (encryption, several disks,
  // other methods than stored and deflated).
  explicit ZipArchive(const Source& source);
  const Source& source() const { return source_; }
  const std::vector<ZipEntry>& entries() const { return entries_; }
  // Null if there is none.
  const ZipEntry* find(const std::string& name) const;

 private:
  const Source& source_;
  std::vector<ZipEntry> entries_;
  std::unordered_map<std::string, std::size_t> index_;
};

// Reads one entry from its begin to its end.
class ZipReader {
 public:
  ZipReader(const Source& source, const ZipEntry& entry);
  ~ZipReader();
  // Errors: IoError if the entry has fewer bytes.
  void read(void* to, std::uint64_t n);
  std::uint64_t left() const { return entry_.size - done_; }
  // Errors: IoError if bytes are left, or if the CRC is another one.
  void finish();
  // "'x.npz', entry 'a.npy': .."
  [[noreturn]] void fail(std::initializer_list<ct::detail::MsgPart> parts) const;

 private:
  struct Inflater;
  const Source& source_;
  const ZipEntry& entry_;
  std::unique_ptr<Inflater> inflater_;
  std::uint64_t done_ = 0;
  std::uint32_t crc_ = 0;
};

class ZipWriter {
 public:
  explicit ZipWriter(Sink& sink) : sink_(sink) {}
  struct Piece {
    const void* data;
    std::uint64_t size;
  };
  // An entry from pieces, one after the other; its bytes begin at a multiple of `alignment`.
  void stored(const std::string& name, std::initializer_list<Piece> pieces, unsigned alignment = 1);
  void deflated(const std::string& name, std::initializer_list<Piece> pieces);
  // Writes the directory.
  void finish();

 private:
  void local_header(const ZipEntry& entry, bool sizes_follow, unsigned alignment);
  Sink& sink_;
  std::vector<ZipEntry> entries_;
};

}  // namespace ct::io
