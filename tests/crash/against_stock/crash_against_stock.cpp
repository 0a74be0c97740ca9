// Counts, of two logs, the images of power cuts that are neither as before nor as after the command.
#include <cstdlib>
#include <iostream>

#include <fmt/format.h>

#include "lib/base/error.h"
#include "tests/crash/against_stock/write_log.h"
#include "tests/interop/disk/stock_view.h"
#include "tests/support/crash_case.h"

namespace cv::test {
namespace {

constexpr std::size_t kPvs = 2;
constexpr Bytes kPvSize{32 << 20};

/// Marks of what is not to be counted: preparations, and what dm-log-writes says when it ends.
bool is_command(const std::string& mark) {
  return mark != "-" && !mark.starts_with("dm-log-writes");
}

struct Count {
  unsigned failures = 0;
  unsigned images = 0;
  unsigned in_order = 0;  ///< failures where the writes arrived in their order
  unsigned flushes = 0;
  unsigned writes = 0;
  unsigned judged = 0;     ///< images that stock LVM2 read itself
  unsigned confirmed = 0;  ///< of them: it says too that they are one of both states, or neither
  void add(const Count& other) {
    failures += other.failures;
    images += other.images;
    in_order += other.in_order;
    flushes += other.flushes;
    writes += other.writes;
    judged += other.judged;
    confirmed += other.confirmed;
  }
};

CrashImages::Disks empty_disks() {
  CrashImages::Disks disks;
  for (std::size_t i = 0; i < kPvs; ++i)
    disks.push_back(std::make_unique<MemoryDevice>(fmt::format("/dev/pv{}", i), kPvSize));
  return disks;
}

/// What stock LVM2 says of some images, those that we find wrong before all.
class StockJudge {
 public:
  StockJudge(const CrashImages::Disks& before, const CrashImages::Disks& after, unsigned wanted)
      : left_bad_(wanted), left_good_(wanted) {
    if (wanted == 0) return;
    lvm_ = std::make_unique<StockLvm>(static_cast<unsigned>(kPvs), kPvSize);
    before_ = seen(before);
    after_ = seen(after);
  }

  void look(const CrashImages::Disks& disks, bool is_good, std::uint64_t number, Count& count) {
    unsigned& left = is_good ? left_good_ : left_bad_;
    if (left == 0 || number % kStride != 0) return;
    --left;
    const auto now = seen(disks);
    ++count.judged;
    if ((now == before_ || now == after_) == is_good) ++count.confirmed;
  }

 private:
  static constexpr std::uint64_t kStride = 7;
  static constexpr std::string_view kUnknownGroup = "[unknown]";

  std::vector<std::string> seen(const CrashImages::Disks& disks) const {
    put_on(*lvm_, disks);
    auto lines = as_stock_says(*lvm_);
    // A disk that joins says that it is in use before any text names it: a group that stock does not know.
    for (auto& line : lines)
      if (line.ends_with(kUnknownGroup)) line.erase(line.size() - kUnknownGroup.size());
    return lines;
  }

  std::unique_ptr<StockLvm> lvm_;
  unsigned left_bad_;
  unsigned left_good_;
  std::vector<std::string> before_;
  std::vector<std::string> after_;
};

Count judged(const CrashImages::Disks& before, const CrashLog& log, const CrashSampling& sampling,
             unsigned by_stock) {
  Count count;
  for (const auto& event : log.events) ++(event.is_flush() ? count.flushes : count.writes);
  count.flushes /= kPvs;
  const auto after = copy_of(before);
  for (const auto& event : log.events)
    if (!event.is_flush()) after[event.device]->write(event.at, event.bytes);
  const DiskState old_state = state_of(before);
  const DiskState new_state = state_of(after);
  if (old_state == new_state)
    throw Error(Errc::damaged, "a command changed nothing: {}", summary_of(old_state));
  StockJudge stock(before, after, by_stock);
  const auto look = [&](CrashImages::Disks& disks, const std::string&) {
    const DiskState state = state_of(disks);
    const bool is_good = state == old_state || state == new_state;
    ++count.images;
    count.failures += is_good ? 0 : 1;
    stock.look(disks, is_good, is_good ? count.images : count.failures, count);
  };
  CrashImages images(copy_of(before), log);
  images.each_prefix(look);
  count.in_order = count.failures;
  images.each_subset(look, sampling);
  return count;
}

Count count_of(const std::string& side, const std::string& path, const CrashSampling& sampling,
               unsigned by_stock) {
  Count total;
  const auto disks = empty_disks();
  for (const MarkedLog& command : read_write_log(path, kPvs, kPvSize)) {
    if (is_command(command.mark)) {
      const Count count = judged(disks, command.log, sampling, by_stock);
      std::cout << fmt::format(
          "{:6} {:9} {:3} writes, {:2} flushes: {:5} failures / {:6} images; {} failures in order\n", side,
          command.mark, count.writes, count.flushes, count.failures, count.images, count.in_order);
      total.add(count);
    }
    for (const auto& event : command.log.events)
      if (!event.is_flush()) disks[event.device]->write(event.at, event.bytes);
  }
  if (total.images == 0) throw Error(Errc::damaged, "{} holds no command", path);
  if (total.judged != 0)
    std::cout << fmt::format("{:6} stock LVM2 read {} of the images itself and found the same of {}\n", side,
                             total.judged, total.confirmed);
  return total;
}

int run(const std::string& our_log, const std::string& stock_log) {
  const CrashSampling sampling = CrashSampling::from_environment();
  const char* by_stock = std::getenv("CVM_CRASH_STOCK");
  const auto judged_images =
      static_cast<unsigned>(by_stock != nullptr ? std::strtoul(by_stock, nullptr, 10) : 0);
  const Count ours = count_of("ours", our_log, sampling, judged_images);
  const Count stock = count_of("stock", stock_log, sampling, judged_images);
  std::cout << fmt::format("failures / images (seed {}, {} samples): ours {} / {}, stock {} / {}\n",
                           sampling.seed, sampling.samples, ours.failures, ours.images, stock.failures,
                           stock.images);
  return ours.failures == 0 && ours.judged == ours.confirmed ? 0 : 1;
}

}  // namespace
}  // namespace cv::test

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: crash_against_stock OUR-LOG STOCK-LOG\n";
    return 3;
  }
  try {
    return cv::test::run(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 5;
  }
}
