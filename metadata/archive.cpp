#include "metadata/archive.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <limits>
#include <optional>
#include <random>
#include <tuple>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/config/section_reader.h"
#include "lib/device/text_file.h"

namespace cv::metadata {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLeastIndexDigits = 5;
constexpr std::int64_t kSecondsPerDay = 24 * 60 * 60;

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// The index in "<vg>_<index>-<random>.vg"; nothing for any other name.
std::optional<std::uint32_t> index_in(std::string_view file, std::string_view vg_name) {
  constexpr std::string_view kSuffix = ".vg";
  if (!file.starts_with(vg_name) || !file.ends_with(kSuffix)) return std::nullopt;
  file.remove_prefix(vg_name.size());
  if (!file.starts_with('_')) return std::nullopt;
  file.remove_prefix(1);
  if (file.size() < kSuffix.size()) return std::nullopt;
  file.remove_suffix(kSuffix.size());
  const auto hyphen = file.find('-');
  if (hyphen == std::string_view::npos || hyphen < kLeastIndexDigits) return std::nullopt;
  const auto digits = file.substr(0, hyphen);
  if (!is_digits(digits) || !is_digits(file.substr(hyphen + 1))) return std::nullopt;
  std::uint32_t index = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  if (parsed.ec != std::errc() || index == std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return index;
}

struct ArchivedFile {
  std::uint32_t index;
  std::string name;
};

/// The oldest first.
std::vector<ArchivedFile> files_of(const std::string& directory, std::string_view vg_name) {
  std::vector<ArchivedFile> found;
  std::error_code failure;
  for (fs::directory_iterator it(directory, failure), end; !failure && it != end; it.increment(failure)) {
    auto name = it->path().filename().string();
    if (const auto index = index_in(name, vg_name)) found.push_back({*index, std::move(name)});
  }
  std::ranges::sort(found, [](const auto& a, const auto& b) {
    return std::tie(a.index, a.name) < std::tie(b.index, b.name);
  });
  return found;
}

/// LVM2's rule: from the oldest on, those past their days go, as long as enough are left.
void remove_expired(const ArchiveSettings& settings, const std::vector<ArchivedFile>& files,
                    std::uint64_t now) {
  std::size_t left = files.size();
  const auto limit = static_cast<std::int64_t>(now) - (std::int64_t{settings.retain_days} * kSecondsPerDay);
  for (const auto& file : files) {
    if (left <= settings.retain_min) return;
    const auto path = settings.archive_dir + "/" + file.name;
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) continue;
    if (info.st_mtime > limit) return;
    if (::unlink(path.c_str()) != 0)
      log::warning("the old archive file {} can't be removed: {}", path, errno_text(errno));
    else
      log::info("removed the old archive file {}", path);
    --left;
  }
}

bool is_out_of_reach(const std::string& directory, std::string_view what) {
  if (!device::is_on_read_only_file_system(directory)) return false;
  log::warning("{} is on a read-only file system: no {} is written", directory, what);
  return true;
}

std::string describe(std::string_view when, const std::string& command) {
  return fmt::format("Created *{}* executing '{}'", when, command);
}

void replace_file(const std::string& directory, const std::string& name, const std::string& text) {
  device::PendingFile(directory, text).replace(name);
}

void remove_backup(const ArchiveSettings& settings, std::string_view vg_name) {
  const auto path = fmt::format("{}/{}", settings.backup_dir, vg_name);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    log::warning("the old backup {} can't be removed: {}", path, errno_text(errno));
}

}  // namespace

void archive_group(const ArchiveSettings& settings, const VolumeGroup& vg, TextStamp stamp) {
  if (!settings.archive || vg.pvs.empty() || is_out_of_reach(settings.archive_dir, "archive")) return;
  stamp.description = describe("before", settings.command);
  device::make_private_directory(settings.archive_dir);
  auto files = files_of(settings.archive_dir, vg.name);
  device::PendingFile pending(settings.archive_dir, print_group(vg, stamp, TextForm::backup));
  std::uint32_t index = files.empty() ? 0 : files.back().index + 1;
  std::random_device random;
  constexpr std::uint32_t kLargestRandom = 0x7fffffff;
  for (;; ++index) {
    auto name = fmt::format("{}_{:05}-{}.vg", vg.name, index, random() & kLargestRandom);
    if (!pending.link_as(name)) continue;
    files.push_back({index, std::move(name)});
    break;
  }
  remove_expired(settings, files, stamp.creation_time);
}

void backup_group(const ArchiveSettings& settings, const VolumeGroup& vg, std::string_view former_name,
                  TextStamp stamp) noexcept {
  if (!settings.backup) return;
  try {
    if (is_out_of_reach(settings.backup_dir, "backup")) return;
    stamp.description = describe("after", settings.command);
    device::make_private_directory(settings.backup_dir);
    replace_file(settings.backup_dir, vg.name, print_group(vg, stamp, TextForm::backup));
    if (!former_name.empty() && former_name != vg.name) remove_backup(settings, former_name);
  } catch (const std::exception& error) {
    log::warning("{} has changed, but there is no new backup of its metadata: {}", vg.name, error.what());
  }
}

void write_backup(const std::string& path, const VolumeGroup& vg, const TextStamp& stamp) {
  const fs::path file(path);
  std::error_code failure;
  if (fs::exists(file, failure) && !fs::is_regular_file(file, failure))
    throw Error(Errc::usage, "{} is there and is no regular file", path);
  const auto directory = file.has_parent_path() ? file.parent_path().string() : std::string(".");
  replace_file(directory, file.filename().string(), print_group(vg, stamp, TextForm::backup));
}

std::vector<std::string> archived_files(const std::string& archive_dir, std::string_view vg_name) {
  std::vector<std::string> paths;
  for (const auto& file : files_of(archive_dir, vg_name)) paths.push_back(archive_dir + "/" + file.name);
  return paths;
}

BackupHead read_backup_head(std::string_view text) {
  BackupHead head;
  config::Parser parser(text);
  for (;;) {
    const auto& event = parser.next();
    if (event.kind == config::Event::Kind::end) break;
    if (event.kind == config::Event::Kind::section) {
      if (head.vg_name.empty()) head.vg_name = std::string(event.key);
      parser.skip_section();
    } else if (event.key == "description") {
      head.stamp.description = config::to_string(event);
    } else if (event.key == "creation_host") {
      head.stamp.creation_host = config::to_string(event);
    } else if (event.key == "creation_time") {
      head.stamp.creation_time = config::to_unsigned(event);
    }
  }
  if (head.vg_name.empty()) throw Error(Errc::damaged, "there is no volume group in it");
  return head;
}

}  // namespace cv::metadata
