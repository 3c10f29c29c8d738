<?php
// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright the check_dualstack authors
//
// graphite_charts.php TEMPLATES URL HOST SERVICE COMMAND REAL: what Icinga Web 2's Graphite module makes of a service,
// by its own code, from the templates in a folder and the Graphite at a URL. COMMAND is the service's check command,
// REAL the one that it runs by way of it. JSON, an entry for each chart of REAL's templates ("template", "title", "png"
// in base64, "series" as Graphite gives them) and for each chart of the metrics that those leave over ("default").

use Icinga\Application\EmbeddedWeb;
use Icinga\Module\Graphite\Graphing\GraphiteWebClient;
use Icinga\Module\Graphite\Graphing\MetricsDataSource;
use Icinga\Module\Graphite\Graphing\Templates;
use Icinga\Module\Graphite\Util\MacroTemplate;
use Icinga\Module\Graphite\Web\FakeSchemeRequest;
use Icinga\Module\Graphite\Web\Widget\GraphImage;
use Icinga\Web\Url;

[, $folder, $graphite, $host, $service, $command, $real] = $argv;

require_once '/usr/share/php/Icinga/Application/EmbeddedWeb.php';
$modules = EmbeddedWeb::start('/usr/share/icingaweb2')->getModuleManager();
$modules->loadModule('graphite', '/usr/share/icingaweb2/modules/graphite');

$url = fn (string $text) => Url::fromPath($text, [], new FakeSchemeRequest());
$source = new MetricsDataSource(new GraphiteWebClient($url($graphite)));
$templates = (new Templates())->loadDir('/usr/share/icingaweb2/modules/graphite/templates')->loadDir($folder);
$names = ['host.name' => $host, 'service.name' => $service, 'service.check_command' => $command];

$result = [];
$drawn = [];
foreach ($templates->getTemplates($real) as $name => $template) {
    foreach ($template->getCharts($source, null, $names) as $chart) {
        $params = $template->getUrlParams();
        $png = (new GraphImage($chart))->render();
        $template->setUrlParams($params + ['format' => new MacroTemplate('json')]);
        $series = json_decode((new GraphImage($chart))->render());
        $template->setUrlParams($params);
        $result[] = ['template' => $name, 'title' => $params['title']->resolve($chart->getMetricVariables()),
                     'png' => base64_encode($png), 'series' => $series];
    }
    foreach ($template->getFullCurves() as $curve) {
        $drawn[] = $curve[0];
    }
}
foreach ($templates->getDefaultTemplates() as $name => $template) {
    if (strpos((string) current($template->getCurves())[0], '$service_name_template$') === 0) {
        foreach ($template->getCharts($source, null, $names, $drawn) as $chart) {
            $result[] = ['default' => array_values($chart->getMetrics())];
        }
    }
}
echo json_encode($result, JSON_THROW_ON_ERROR);
