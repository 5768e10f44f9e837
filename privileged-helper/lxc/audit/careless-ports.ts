/** Services that by themselves ask nobody who they are, or read passwords as they are written. */
export const carelessPorts: ReadonlyMap<number, string> = new Map([
  [21, "FTP"],
  [23, "Telnet"],
  [111, "RPC"],
  [513, "rlogin"],
  [514, "rsh"],
  [2049, "NFS"],
  [2375, "Docker"],
  [5900, "VNC"],
  [6000, "X11"],
  [6379, "Redis"],
  [9200, "Elasticsearch"],
  [11_211, "Memcached"],
  [27_017, "MongoDB"],
]);
