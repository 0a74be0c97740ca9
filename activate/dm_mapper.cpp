#include "activate/dm_mapper.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <set>
#include <thread>
#include <utility>

#include <libdevmapper.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "activate/block_queue.h"
#include "activate/dev_nodes.h"
#include "activate/kernel_error.h"
#include "lib/base/error.h"
#include "lib/base/handle.h"
#include "lib/base/log.h"
#include "lib/base/match.h"
#include "lib/base/undo.h"
#include "lib/crypt/registers.h"

namespace cv::activate {

namespace {

using Task = CHandle<dm_task, dm_task_destroy>;

constexpr std::string_view kUuidPrefix = "LVM-";
constexpr std::uint16_t kNobodysFlags = DM_UDEV_DISABLE_DISK_RULES_FLAG | DM_UDEV_DISABLE_OTHER_RULES_FLAG;
constexpr std::uint16_t kHiddenFlags = DM_UDEV_DISABLE_SUBSYSTEM_RULES_FLAG | kNobodysFlags;
constexpr std::uint16_t kNoScanFlag = DM_SUBSYSTEM_UDEV_FLAG0;  ///< as LVM2's rules have it
constexpr std::uint16_t kNoLinksFlags = DM_UDEV_DISABLE_DM_RULES_FLAG | DM_UDEV_DISABLE_SUBSYSTEM_RULES_FLAG;

/// libdevmapper's lines. What failed we say ourselves, from errno. While a device is suspended nothing may
/// be written: the log may lie on it.
void log_hook(int level, const char*, int, int, const char* format, ...) noexcept {
  if (dm_get_suspended_counter() > 0) return;
  std::array<char, 512> text{};
  va_list arguments;
  va_start(arguments, format);
  const int length = std::vsnprintf(text.data(), text.size(), format, arguments);
  va_end(arguments);
  if (length < 0) return;
  constexpr int kLevelMask = 7;  // above it stand flags (_LOG_STDERR, _LOG_ONCE)
  constexpr int kWarning = 4;
  log::line((level & kLevelMask) <= kWarning ? log::Level::debug : log::Level::trace, text.data());
}

Task new_task(int type) {
  Task task(dm_task_create(type));
  if (!task) throw Error(Errc::kernel, "device-mapper can't be used: {}", errno_text(errno));
  return task;
}

/// For requests that libdevmapper refuses only when memory is short.
void require(int outcome) {
  if (outcome == 0) throw Error(Errc::kernel, "libdevmapper has not enough memory");
}

void run_task(dm_task* task, std::string_view what) {
  if (dm_task_run(task) != 0) return;
  const int error_number = dm_task_get_errno(task);
  throw_kernel(error_number != 0 ? error_number : EIO, what);
}

/// Everything this process needs is in memory before a device is suspended: its program text may lie on that
/// device. An allocation must not wait for it either.
void get_ready_to_suspend() {
  if (::mlockall(MCL_CURRENT) != 0) {
    log::warning(
        "the memory of this command can't be locked ({}): if its program or a library lies on a volume that "
        "it "
        "suspends, it waits for itself",
        errno_text(errno));
    log::warning("raise the limit (ulimit -l), or run it with CAP_IPC_LOCK");
  }
#ifdef PR_SET_IO_FLUSHER
  ::prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
#endif
}

class DmMapper final : public Mapper {
 public:
  explicit DmMapper(const NodeSettings& settings) : nodes_(settings.dev_dir) {
    dm_log_with_errno_init(log_hook);
    require(dm_set_dev_dir(settings.dev_dir.c_str()));
    dm_udev_set_sync_support(1);
    const bool udev_runs = dm_udev_get_sync_support() != 0;
    by_udev_ = udev_runs && settings.by_udev;
    waits_ = udev_runs && settings.wait_for_udev;
    // Where no udevd runs libdevmapper would leave the nodes to it all the same.
    if (!waits_) dm_udev_set_sync_support(0);
  }

  ~DmMapper() override {
    wait_for_udev();
    dm_log_with_errno_init(nullptr);
    dm_lib_release();
  }

  std::optional<DeviceInfo> find_uuid(const std::string& uuid) override {
    const auto task = new_task(DM_DEVICE_INFO);
    require(dm_task_set_uuid(task.get(), uuid.c_str()));
    return info_of(task.get(), uuid);
  }

  std::optional<DeviceInfo> find_name(const std::string& name) override {
    const auto task = new_task(DM_DEVICE_INFO);
    require(dm_task_set_name(task.get(), name.c_str()));
    return info_of(task.get(), name);
  }

  std::vector<DeviceInfo> list() override {
    const auto task = new_task(DM_DEVICE_LIST);
    run_task(task.get(), "listing the devices");
    std::vector<DeviceInfo> devices;
    const auto* names = dm_task_get_names(task.get());
    if (names == nullptr || names->dev == 0) return devices;
    for (;;) {
      const auto info = find_name(names->name);
      if (info && info->uuid.starts_with(kUuidPrefix)) devices.push_back(*info);
      if (names->next == 0) return devices;
      names = reinterpret_cast<const dm_names*>(reinterpret_cast<const char*>(names) + names->next);
    }
  }

  std::optional<Table> live_table(const std::string& uuid) override {
    const Undo last([] { crypt::wipe_registers(); });
    const auto task = new_task(DM_DEVICE_TABLE);
    require(dm_task_set_uuid(task.get(), uuid.c_str()));
    require(dm_task_secure_data(task.get()));
    run_task(task.get(), fmt::format("reading the table of {}", uuid));
    Table table;
    void* next = nullptr;
    do {
      std::uint64_t start = 0;
      std::uint64_t length = 0;
      char* type = nullptr;
      char* params = nullptr;
      next = dm_get_next_target(task.get(), next, &start, &length, &type, &params);
      if (type == nullptr) break;
      auto target = parse_target(type, params == nullptr ? "" : params);
      if (!target) return std::nullopt;
      table.push_back({Sectors(start), Sectors(length), std::move(*target)});
    } while (next != nullptr);
    if (table.empty()) return std::nullopt;
    return table;
  }

  void run(const Operation& operation) override {
    match(
        operation, [&](const CreateDevice& create) { this->create(create); },
        [&](const LoadTable& load) { this->load(load); },
        [&](const ClearInactive& clear) {
          simple(DM_DEVICE_CLEAR, clear.uuid, "dropping the new table of");
          changing_.erase(clear.uuid);
        },
        [&](const SuspendDevice& suspend) { this->suspend(suspend); },
        [&](const ResumeDevice& resume) { this->resume(resume); },
        [&](const WipeDevice& wipe) { this->wipe(wipe); },
        [&](const RemoveDevice& remove) { this->remove(remove); },
        [&](const RenameDevice& rename) { this->rename(rename); },
        [&](const HideDevice& gone) { this->hide(gone); });
  }

  bool is_shown(const std::string& name, std::optional<DeviceNumber> number,
                const Publication& publication) override {
    if (number) return nodes_.has_node_of(name, *number) && nodes_.has_link_to(publication.link, *number);
    return !is_left(name, publication) || find_name(name).has_value();
  }

  std::optional<std::uint32_t> read_ahead(DeviceNumber number) override { return read_ahead_of(number); }

  void settle() override { wait_for_udev(); }

  std::optional<TargetVersion> target_version(const std::string& type) override {
    const auto task = new_task(DM_DEVICE_GET_TARGET_VERSION);
    require(dm_task_set_name(task.get(), type.c_str()));
    if (dm_task_run(task.get()) == 0) return std::nullopt;
    const auto* versions = dm_task_get_versions(task.get());
    if (versions == nullptr) return std::nullopt;
    return TargetVersion{versions->version[0], versions->version[1], versions->version[2]};
  }

 private:
  std::optional<DeviceInfo> info_of(dm_task* task, const std::string& what) {
    dm_info info{};
    run_task(task, fmt::format("asking for {}", what));
    if (dm_task_get_info(task, &info) == 0)
      throw Error(Errc::kernel, "device-mapper says nothing about {}", what);
    if (info.exists == 0) return std::nullopt;
    const char* name = dm_task_get_name(task);
    const char* uuid = dm_task_get_uuid(task);
    return DeviceInfo{.name = name == nullptr ? "" : name,
                      .uuid = uuid == nullptr ? "" : uuid,
                      .number = {info.major, info.minor},
                      .open_count = static_cast<std::uint32_t>(info.open_count),
                      .suspended = info.suspended != 0,
                      .has_live_table = info.live_table != 0,
                      .has_inactive_table = info.inactive_table != 0,
                      .read_only = info.read_only != 0};
  }

  DeviceInfo at(const std::string& uuid) {
    if (auto info = find_uuid(uuid)) return *info;
    throw Error(Errc::not_found, "there is no device with the uuid {}", uuid);
  }

  void simple(int type, const std::string& uuid, std::string_view verb) {
    const auto task = new_task(type);
    require(dm_task_set_uuid(task.get(), uuid.c_str()));
    run_for(task.get(), verb, uuid);
  }

  /// Nothing is asked or put into words unless it fails: a device may be suspended.
  void run_for(dm_task* task, std::string_view verb, const std::string& uuid) {
    if (dm_task_run(task) != 0) return;
    const int error_number = dm_task_get_errno(task);
    throw_kernel(error_number != 0 ? error_number : EIO, fmt::format("{} {}", verb, name_of(uuid)));
  }

  /// For sentences.
  std::string name_of(const std::string& uuid) {
    try {
      if (const auto info = find_uuid(uuid)) return info->name;
    } catch (const Error& error) {
      log::debug("{}", error.what());
    }
    return uuid;
  }

  void create(const CreateDevice& wanted) {
    const auto task = new_task(DM_DEVICE_CREATE);
    require(dm_task_set_name(task.get(), wanted.name.c_str()));
    require(dm_task_set_uuid(task.get(), wanted.uuid.c_str()));
    if (wanted.minor) require(dm_task_set_major_minor(task.get(), 0, static_cast<int>(*wanted.minor), 1));
    if (dm_task_run(task.get()) != 0) return;
    const int error_number = dm_task_get_errno(task.get());
    // ENXIO is the kernel's word for a number that is taken, too, and for none being left.
    if (error_number == EBUSY || error_number == ENXIO) throw_taken(wanted);
    if (error_number == ENXIO)
      throw Error(Errc::kernel, "creating {}: the kernel has no number left for another device", wanted.name)
          .advise("close devices that nobody needs (`dmsetup ls`)");
    throw_kernel(error_number != 0 ? error_number : EIO, fmt::format("creating {}", wanted.name));
  }

  /// The kernel has one answer to three questions.
  void throw_taken(const CreateDevice& wanted) {
    if (const auto other = find_name(wanted.name))
      throw Error(Errc::exists, "the device name {} is taken by a device with the uuid \"{}\"", wanted.name,
                  other->uuid);
    if (const auto other = find_uuid(wanted.uuid))
      throw Error(Errc::exists, "the device {} exists already, called {}", wanted.name, other->name);
    if (wanted.minor)
      throw Error(Errc::exists, "{} can't get the minor number {}, which another device has", wanted.name,
                  *wanted.minor)
          .advise(
              "close the other device (`dmsetup info` shows all numbers), or give this volume another one");
  }

  void load(const LoadTable& wanted) {
    const Undo last([] { crypt::wipe_registers(); });  // libdevmapper has copied the key
    const auto task = new_task(DM_DEVICE_RELOAD);
    require(dm_task_set_uuid(task.get(), wanted.uuid.c_str()));
    if (holds_key_bytes(wanted.table)) require(dm_task_secure_data(task.get()));
    if (wanted.read_only) require(dm_task_set_ro(task.get()));
    for (const auto& line : wanted.table) {
      const auto params = target_params(line.target);
      require(dm_task_add_target(task.get(), line.start.n, line.length.n,
                                 std::string(target_type(line.target)).c_str(), params.data()));
    }
    if (dm_task_run(task.get()) != 0) {
      changing_.insert(wanted.uuid);
      return;
    }
    const int error_number = dm_task_get_errno(task.get());
    throw_kernel(error_number != 0 ? error_number : EIO,
                 fmt::format("loading the table of {}", at(wanted.uuid).name));
  }

  void suspend(const SuspendDevice& wanted) {
    if (!std::exchange(is_ready_to_suspend_, true)) get_ready_to_suspend();
    // What the resume needs is there before.
    if (waits_ && cookie_ == 0 && dm_udev_create_cookie(&cookie_) == 0) throw_no_cookie();
    changing_.insert(wanted.uuid);
    simple(DM_DEVICE_SUSPEND, wanted.uuid, "suspending");
  }

  void resume(const ResumeDevice& wanted) {
    const auto unchanged =
        changing_.erase(wanted.uuid) != 0 ? std::nullopt : unchanged_by_resume(wanted.uuid);
    const auto task = new_task(DM_DEVICE_RESUME);
    require(dm_task_set_uuid(task.get(), wanted.uuid.c_str()));
    try {
      set_cookie(task.get(), wanted.publication);
    } catch (const Error&) {
      // A device that stands still is worse than one that nobody waits for.
      const auto info = find_uuid(wanted.uuid);
      if (!info || !info->suspended) throw;
    }
    // Noted first: behind the resume nothing may fail. What did not appear is not shown.
    if (!by_udev_ || !waits_ || unchanged || wanted.read_ahead)
      appeared_.push_back({wanted.uuid, wanted.publication.link, wanted.read_ahead, unchanged.has_value()});
    run_for(task.get(), "resuming", wanted.uuid);
    if (unchanged && by_udev_) announce_again(*unchanged);
  }

  /// The number of a device in which a resume changes nothing. The kernel does not tell udev of that.
  std::optional<DeviceNumber> unchanged_by_resume(const std::string& uuid) {
    try {
      const auto info = find_uuid(uuid);
      if (info && !info->suspended && !info->has_inactive_table) return info->number;
    } catch (const Error& error) {
      log::debug("{}", error.what());
    }
    return std::nullopt;
  }

  void wipe(const WipeDevice& wanted) {
    const auto info = at(wanted.uuid);
    nodes_.wipe(info.name, info.number, wanted.length);
  }

  /// What still shows a device that has gone. udev's links are its business, where it runs.
  bool is_left(const std::string& name, const Publication& publication) const {
    return (by_udev_ ? nodes_.has_real_node(name) : nodes_.has_node(name)) ||
           nodes_.has_link_of_ours(publication.link, name);
  }

  void hide(const HideDevice& wanted) {
    if (!find_name(wanted.name)) take_away(wanted.name, wanted.publication.link);
  }

  void take_away(const std::string& name, const std::string& link) {
    // Whoever made the node: a command that made its own, or udev.
    if (by_udev_ ? nodes_.has_real_node(name) : nodes_.has_node(name)) nodes_.remove_node(name);
    nodes_.remove_link(link, name);
  }

  void remove(const RemoveDevice& wanted) {
    const auto name = at(wanted.uuid).name;
    const auto task = new_task(DM_DEVICE_REMOVE);
    require(dm_task_set_uuid(task.get(), wanted.uuid.c_str()));
    set_cookie(task.get(), wanted.publication);
    run_task(task.get(), fmt::format("removing {}", name));
    changing_.erase(wanted.uuid);
    std::erase_if(appeared_, [&](const Appeared& device) { return device.uuid == wanted.uuid; });
    take_away(name, wanted.publication.link);
  }

  /// The kernel renames by name alone: it is looked up at the last moment.
  void rename(const RenameDevice& wanted) {
    const auto name = at(wanted.uuid).name;
    if (name == wanted.name) return;
    if (const auto other = find_name(wanted.name))
      throw Error(Errc::exists, "the device name {} is taken by a device with the uuid \"{}\"", wanted.name,
                  other->uuid);
    const auto task = new_task(DM_DEVICE_RENAME);
    require(dm_task_set_name(task.get(), name.c_str()));
    require(dm_task_set_newname(task.get(), wanted.name.c_str()));
    set_cookie(task.get(), wanted.publication);
    run_task(task.get(), fmt::format("renaming {} to {}", name, wanted.name));
    take_away(name, wanted.former.link);
    const auto shown = std::ranges::find(appeared_, wanted.uuid, &Appeared::uuid);
    if (shown != appeared_.end())
      shown->link = wanted.publication.link;
    else if (!by_udev_ || !waits_)
      appeared_.push_back({wanted.uuid, wanted.publication.link, std::nullopt, false});
  }

  /// The flags go with the cookie, and without one where nobody waits.
  void set_cookie(dm_task* task, const Publication& publication) {
    std::uint16_t flags = by_udev_ ? DM_UDEV_DISABLE_LIBRARY_FALLBACK : kNoLinksFlags;
    if (publication.hidden) flags |= kHiddenFlags;
    if (publication.reserved) flags |= kNobodysFlags;
    if (publication.unscanned) flags |= kNoScanFlag;
    if (dm_task_set_cookie(task, &cookie_, flags) == 0) throw_no_cookie();
  }

  [[noreturn]] static void throw_no_cookie() {
    throw Error(Errc::kernel, "there is no semaphore left to wait for udev with")
        .advise(
            "`dmsetup udevcookies` lists those that ended commands have left, `dmsetup udevcomplete_all` "
            "removes them");
  }

  void wait_for_udev() noexcept {
    if (cookie_ != 0) dm_udev_wait(std::exchange(cookie_, 0));
    for (const auto& device : std::exchange(appeared_, {})) publish(device);
  }

  struct Appeared {
    std::string uuid;
    std::string link;
    std::optional<std::uint32_t> read_ahead;
    bool is_uncounted = false;  ///< no cookie tells when udev has looked at it
  };

  /// Nodes and links wait until nothing is suspended any more: /dev may lie on what is.
  void publish(const Appeared& device) noexcept {
    try {
      const auto info = find_uuid(device.uuid);
      if (!info) return;
      if (device.read_ahead) set_read_ahead(info->number, *device.read_ahead);
      if (!by_udev_) {
        make_node(info->name);
        nodes_.make_link(device.link, info->name);
      } else if (!waits_) {
        // Its rules may leave our devices out. If they don't it finds the right node where its link would be.
        if (!nodes_.has_node(info->name)) make_node(info->name);
      } else if (device.is_uncounted) {
        wait_for_node(*info, device.link);
      }
    } catch (const std::exception& error) {
      log::line(log::Level::warning, error.what());
    }
  }

  void wait_for_node(const DeviceInfo& device, const std::string& link) {
    constexpr std::chrono::milliseconds kPause(5);
    constexpr int kTurns = 1000;
    for (int turn = 0; turn < kTurns; ++turn) {
      if (nodes_.has_node_of(device.name, device.number) && nodes_.has_link_to(link, device.number)) return;
      std::this_thread::sleep_for(kPause);
    }
    log::warning("udev has not made {} again: it is made here", nodes_.node(device.name));
    make_node(device.name);
    nodes_.make_link(link, device.name);
  }

  void make_node(const std::string& name) {
    // libdevmapper asks the kernel for the name: the node is made where there is such a device, else removed.
    if (dm_mknodes(name.c_str()) == 0) log::warning("the node of {} could not be made", name);
    dm_task_update_nodes();
  }

  DevNodes nodes_;
  bool by_udev_ = false;  ///< nodes and links are made by udev
  bool waits_ = false;    ///< until udev has looked at every change
  bool is_ready_to_suspend_ = false;
  std::uint32_t cookie_ = 0;
  std::vector<Appeared> appeared_;  ///< resumed, node and link still to be made or waited for
  std::set<std::string> changing_;  ///< uuids of what the next resume changes
};

}  // namespace

bool kernel_has_device_mapper() {
  struct stat status {};
  if (::stat("/sys/class/misc/device-mapper", &status) != 0 && ::stat("/dev/mapper/control", &status) != 0)
    return false;
  dm_log_with_errno_init(log_hook);
  const Task task(dm_task_create(DM_DEVICE_VERSION));
  const bool answers = task && dm_task_run(task.get()) != 0;
  dm_log_with_errno_init(nullptr);
  return answers;
}

std::unique_ptr<Mapper> kernel_mapper(const NodeSettings& settings) {
  return std::make_unique<DmMapper>(settings);
}

}  // namespace cv::activate
