#include "tools/size_request.h"

#include <algorithm>
#include <functional>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "tools/sizes.h"

namespace cv::tools {

using namespace metadata;

namespace {

void require_one_size(const Arguments& arguments) {
  arguments.exclude(kSize, kExtents);
  if (!arguments.has(kSize) && !arguments.has(kExtents))
    throw Error(Errc::usage, "{} needs a size", arguments.command().name)
        .advise("give -L SIZE or -l EXTENTS");
}

Extents whole_extents(const VolumeGroup& vg, Bytes size, Sectors payload_offset) {
  const Sectors wanted = whole_sectors(round_up(size, Bytes(kSectorBytes))) + payload_offset;
  const Extents extents = extents_for(wanted, vg.extent_size);
  if (to_sectors(extents, vg.extent_size) != wanted || size.n % kSectorBytes != 0)
    log::notice("Rounding up size to full physical extent {}",
                format_size(to_bytes(to_sectors(extents, vg.extent_size) - payload_offset)));
  return extents;
}

/// For what is taken away: never more than was asked for.
Extents extents_within(const VolumeGroup& vg, Bytes size) {
  const Extents extents(size.n / to_bytes(vg.extent_size).n);
  if (to_bytes(to_sectors(extents, vg.extent_size)) != size)
    log::notice("Rounding down what is taken away to full physical extent {}",
                format_size(to_bytes(to_sectors(extents, vg.extent_size))));
  return extents;
}

Extents total_extents(const VolumeGroup& vg, const std::vector<Permitted>& only) {
  Extents sum;
  for (const PhysicalVolume& pv : vg.pvs) {
    ExtentSet extents;
    if (only.empty()) extents.add({Extents(0), pv.pe_count});
    for (const Permitted& one : only)
      if (one.pv == pv.id) extents.add(one.extents);
    sum += extents.total();
  }
  return sum;
}

/// Who asks for a part of a whole takes what of it is there.
Extents cut(Extents wanted, Extents possible, Sectors extent_size, const std::string& given) {
  if (wanted <= possible) return wanted;
  log::notice("Reducing {} to remaining free space {} in VG.", given,
              format_size(to_bytes(to_sectors(possible, extent_size))));
  return possible;
}

enum class Rounding { up, down };

struct Request {
  const VolumeGroup& vg;
  const Placement& placement;
  std::function<Extents()> allocatable;  ///< Room::allocatable(), where somebody wants to know
  Rounding rounding;

  Extents usable() const { return round_down(allocatable(), Extents(placement.stripes)); }

  /// "N%VG" and its kin, as extents.
  Extents extents(const ExtentsArgument& argument, const LogicalVolume* lv) const {
    switch (argument.basis) {
      case PercentOf::nothing: return Extents(argument.number);
      case PercentOf::vg: return part(argument, total_extents(vg, {}));
      case PercentOf::pvs: return part(argument, total_extents(vg, placement.permitted));
      case PercentOf::free: return part(argument, allocatable());
      case PercentOf::lv:
        if (lv == nullptr)
          throw Error(Errc::usage, "a new volume can't be a part of a volume")
              .advise("use %FREE, %PVS or %VG");
        return part(argument, size_of(*lv));
      case PercentOf::origin:
        throw Error(Errc::usage, "%ORIGIN is for snapshots, which are left to LVM2")
            .advise("use %FREE, %PVS, %VG or %LV");
    }
    CV_ASSERT(false);
    return {};
  }

  Extents part(const ExtentsArgument& argument, Extents whole) const {
    return rounding == Rounding::up ? percent_of_rounded_up(argument.number, whole)
                                    : percent_of(argument.number, whole);
  }
};

bool is_part_of_the_group(PercentOf basis) {
  return basis == PercentOf::vg || basis == PercentOf::pvs || basis == PercentOf::free;
}

/// Of -L and -l together: the sign, and the extents that come after it.
struct Wish {
  Sign sign = Sign::none;
  Extents number;
};

Wish wish_from_size(const std::string& text, const VolumeGroup& vg, const LogicalVolume& lv) {
  const SizeArgument argument = parse_size_argument(text);
  switch (argument.sign) {
    case Sign::minus: return {argument.sign, extents_within(vg, argument.size)};
    case Sign::plus: return {argument.sign, whole_extents(vg, argument.size, Sectors())};
    case Sign::none: break;
  }
  return {argument.sign, whole_extents(vg, argument.size, payload_offset_of(lv))};
}

Wish wish_from_extents(const std::string& text, const VolumeGroup& vg, const LogicalVolume& lv,
                       const Placement& placement, Sectors alignment) {
  const ExtentsArgument argument = parse_extents_argument(text);
  const Request request{vg, placement, [&] { return Room(vg, placement, alignment).allocatable(); },
                        argument.sign == Sign::minus ? Rounding::down : Rounding::up};
  Wish wish{argument.sign, request.extents(argument, &lv)};
  if (argument.sign == Sign::none && is_part_of_the_group(argument.basis))
    wish.number = cut(wish.number, size_of(lv) + request.usable(), vg.extent_size, text);
  if (argument.sign == Sign::plus && argument.basis == PercentOf::free)
    wish.number = std::min(wish.number, request.usable());
  return wish;
}

}  // namespace

SizeInTurn sizes_of_new(const Arguments& arguments, const VolumeGroup& vg, const Placement& placement) {
  require_one_size(arguments);
  if (const auto text = arguments.text(kSize)) {
    const SizeArgument argument = parse_size_argument(*text);
    if (argument.sign != Sign::none)
      throw Error(Errc::bad_size, "the size of a new volume has no sign: \"{}\"", *text);
    return [size = whole_extents(vg, argument.size, Sectors())](const Room&) { return size; };
  }
  const std::string given = *arguments.text(kExtents);
  const ExtentsArgument argument = parse_extents_argument(given);
  if (argument.sign == Sign::minus || (argument.sign == Sign::plus && argument.basis != PercentOf::free))
    throw Error(Errc::bad_size, "the size of a new volume has no sign: \"{}\"", given);
  const Request request{vg, placement, {}, Rounding::down};
  // Of what there is, only what is free changes from one volume to the next.
  const bool is_part_of_free = argument.basis == PercentOf::free;
  const Extents part = is_part_of_free ? Extents() : request.extents(argument, nullptr);
  const bool is_cut = is_part_of_the_group(argument.basis);
  return [=, name = vg.name, extent_size = vg.extent_size](const Room& room) {
    const Extents stripes(room.placement().stripes);
    Extents size = is_part_of_free ? percent_of(argument.number, room.allocatable()) : part;
    if (is_cut) size = cut(size, round_down(room.allocatable(), stripes), extent_size, given);
    if (is_part_of_free) size = round_down(size, stripes);
    if (size.n == 0)
      throw Error(Errc::no_space, "{} comes to no extent: {} has {} free extents that can be used", given,
                  name, room.allocatable().n)
          .advise("remove volumes or add a PV");
    return size;
  };
}

Extents new_size_of(const Arguments& arguments, const VolumeGroup& vg, const LogicalVolume& lv,
                    const Placement& placement, Sectors alignment, Resizing resizing) {
  // "cvextend VG/LV PV": by all that is free there.
  const bool takes_all = resizing == Resizing::extend && !placement.permitted.empty() &&
                         !arguments.has(kSize) && !arguments.has(kExtents);
  if (!takes_all) require_one_size(arguments);
  const auto size = arguments.text(kSize);
  const Wish wish =
      size ? wish_from_size(*size, vg, lv)
           : wish_from_extents(arguments.text(kExtents).value_or("+100%FREE"), vg, lv, placement, alignment);
  const std::string_view command = arguments.command().name;
  if (wish.sign == Sign::minus && resizing == Resizing::extend)
    throw Error(Errc::usage, "{} does not make volumes smaller", command).advise("cvreduce does");
  if (wish.sign == Sign::plus && resizing == Resizing::reduce)
    throw Error(Errc::usage, "{} does not make volumes larger", command).advise("cvextend does");
  const Extents now = size_of(lv);
  if (wish.sign == Sign::minus && wish.number >= now)
    throw Error(Errc::refused, "{}/{} has {} extents and can't lose {}", vg.name, lv.name, now.n,
                wish.number.n)
        .advise("a volume has at least one extent; cvremove removes it");
  Extents wanted = wish.number;
  if (wish.sign == Sign::plus) wanted = now + wish.number;
  if (wish.sign == Sign::minus) wanted = now - wish.number;
  if (wanted.n == 0) throw Error(Errc::bad_size, "a volume has at least one extent");
  if (wish.sign == Sign::plus && wish.number.n == 0)
    throw Error(Errc::no_space, "{}/{} can't grow: there is no free extent that it can have", vg.name,
                lv.name)
        .advise("add a PV or remove volumes");
  if (wanted == now)
    throw Error(Errc::refused, "{}/{} has {} extents already", vg.name, lv.name, now.n)
        .advise("give another size");
  if (wanted < now && resizing == Resizing::extend)
    throw Error(Errc::refused, "{}/{} has {} extents already, {} were asked for", vg.name, lv.name, now.n,
                wanted.n)
        .advise("give a larger size, or one with a plus sign for how much to add");
  if (wanted > now && resizing == Resizing::reduce)
    throw Error(Errc::refused, "{}/{} has only {} extents, {} were asked for", vg.name, lv.name, now.n,
                wanted.n)
        .advise("give a smaller size, or one with a minus sign for how much to take away");
  return wanted;
}

}  // namespace cv::tools
