/// Every walker, in the order in which they are asked about one place.
///
/// One line a family, so that two people who add formats do not meet.
public let allFormatWalkers: [any FormatWalker] =
    mediaWalkers + documentWalkers + furtherMediaWalkers + systemWalkers
