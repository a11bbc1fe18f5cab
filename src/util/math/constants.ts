export const eulerGamma = 0.57721566490153286061;
/** ½ log 2π */
export const halfLogTwoPi = 0.91893853320467274178;
export const twoOverSqrtPi = 1.12837916709551257390;
