/** CoinGecko's id of each asset. Never looked up by symbol: several coins share one. */
const IDS: Readonly<Record<string, string>> = {
  BTC: 'bitcoin',
  ETH: 'ethereum',
  SOL: 'solana',
  XRP: 'ripple',
  ADA: 'cardano',
  DOGE: 'dogecoin',
  BNB: 'binancecoin',
  AVAX: 'avalanche-2',
  DOT: 'polkadot',
  LINK: 'chainlink',
  LTC: 'litecoin',
  BCH: 'bitcoin-cash',
  TRX: 'tron',
  POL: 'polygon-ecosystem-token',
  UNI: 'uniswap',
  ATOM: 'cosmos',
  XLM: 'stellar',
  ETC: 'ethereum-classic',
  NEAR: 'near',
  APT: 'aptos',
  ARB: 'arbitrum',
  OP: 'optimism',
  FIL: 'filecoin',
  AAVE: 'aave',
  SUI: 'sui',
  SHIB: 'shiba-inu',
};

/** Pairs of asset and id; an asset without one is left out. */
export function coinsOf(assets: readonly string[]): readonly { readonly asset: string; readonly id: string }[] {
  return assets.flatMap((asset) => {
    const id = IDS[asset];
    return id === undefined ? [] : [{ asset, id }];
  });
}
